//! Which slots were reached by `..`.

use super::Trouble;
use crate::world::Dialect;
use fell::machine::{Identify, Reply, Request, Slot};
use std::collections::BTreeSet;

/// Slots that were last opened by `..`: all that an NFS client's memory of a parent excuses.
#[derive(Clone, Debug, Default)]
pub(super) struct Above(BTreeSet<u16>);

impl Above {
    /// Takes note of what is asked.
    pub(super) fn note<N>(&mut self, request: &Request<N>) {
        match *request {
            Request::OpenParent { slot, .. } | Request::OpenAbove { slot, .. } => {
                self.0.insert(slot.0);
            }
            Request::OpenBase { slot }
            | Request::OpenRoot { slot, .. }
            | Request::Open { slot, .. }
            | Request::Close { slot } => {
                self.0.remove(&slot.0);
            }
            _ => {}
        }
    }

    /// What a reply is that the model does not allow. Another known directory than the one that is
    /// above now is [`Trouble::Remembered`] on NFS; everything else differs.
    pub(super) fn trouble<N>(
        &self,
        dialect: &Dialect,
        request: &Request<N>,
        said: Option<Reply<u8>>,
    ) -> fn(String) -> Trouble {
        let is_identity = matches!(said, Some(Reply::Identify(Identify::Is(_))));
        match *request {
            Request::Identify { slot: Slot(slot) }
                if dialect.nfs && is_identity && self.0.contains(&slot) =>
            {
                Trouble::Remembered
            }
            _ => Trouble::Differs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fell::machine::{Birth, Identity, Inode};

    #[test]
    fn only_what_dotdot_opened_on_nfs_is_remembered() {
        let identity = Identity {
            mount: 0,
            device: 0,
            inode: Inode {
                number: 1,
                birth: Birth::UNKNOWN,
            },
        };
        let (child, slot) = (Slot(0), Slot(1));
        let said = Some(Reply::Identify(Identify::Is(identity)));
        let remembers = |above: &Above, nfs, said| {
            let dialect = Dialect {
                nfs,
                ..Dialect::LOCAL
            };
            let trouble = above.trouble(&dialect, &Request::<u8>::Identify { slot }, said);
            matches!(trouble(String::new()), Trouble::Remembered(_))
        };
        let mut above = Above::default();
        assert!(!remembers(&above, true, said));
        above.note(&Request::<u8>::OpenParent { child, slot });
        assert!(remembers(&above, true, said));
        assert!(!remembers(&above, false, said) && !remembers(&above, true, None));
        above.note(&Request::Open {
            parent: child,
            name: 0u8,
            slot,
        });
        assert!(!remembers(&above, true, said));
    }
}
