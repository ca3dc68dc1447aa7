//! Which roots can be removed at all: parsed once, before anything is touched (spec G11).

use crate::error::Refused;
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The path of a root, taken apart: its parent's path and its own name.
///
/// Trailing slashes are stripped, so `link/` is the link, not what it points to. The parent's path
/// is resolved as every path is, symlinks included.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RootPath {
    parent: CString,
    name: CString,
    shown: PathBuf,
}

impl RootPath {
    /// Takes a path apart.
    ///
    /// # Errors
    /// [`Refused`] for the empty path, `/`, and paths that end in `.` or `..`, for their directories
    /// cannot be removed by that name; and for a path with a NUL byte, which names nothing.
    pub fn new(path: impl AsRef<Path>) -> Result<RootPath, Refused> {
        let path = path.as_ref();
        let bytes = path.as_os_str().as_bytes();
        let end = bytes
            .iter()
            .rposition(|&b| b != b'/')
            .map_or(0, |last| last + 1);
        let (stripped, slash) = (&bytes[..end], bytes[..end].iter().rposition(|&b| b == b'/'));
        let name = slash.map_or(stripped, |slash| &stripped[slash + 1..]);
        //= docs/spec.md#g11-idempotent
        //# G11.4: The walk MUST be Refused, and nothing touched, when the path is empty, is `/`, or
        //# has `.` or `..` as its last component.
        match name {
            b"" if bytes.is_empty() => return Err(Refused::Empty),
            b"" => return Err(Refused::SystemRoot),
            b"." | b".." => return Err(Refused::Dot),
            _ => {}
        }
        let parent = match slash {
            None => &b"."[..],
            Some(slash) => &stripped[..=slash],
        };
        Ok(RootPath {
            parent: CString::new(parent).map_err(|_| Refused::Nul)?,
            name: CString::new(name).map_err(|_| Refused::Nul)?,
            shown: path.to_path_buf(),
        })
    }

    /// A name in a directory that is open already.
    ///
    /// # Errors
    /// [`Refused`] as for [`RootPath::new`], and for a path of more than one name.
    pub fn entry(name: impl AsRef<Path>) -> Result<RootPath, Refused> {
        let root = RootPath::new(name)?;
        if root.parent.as_bytes() == b"." {
            Ok(root)
        } else {
            Err(Refused::NotAName)
        }
    }

    /// The path as it was given.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        &self.shown
    }

    /// The path of the parent.
    #[must_use]
    pub fn parent(&self) -> &CStr {
        &self.parent
    }

    /// The name in the parent.
    #[must_use]
    pub fn name(&self) -> &CStr {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(path: &str) -> Result<(String, String), Refused> {
        let text = |c: &CStr| c.to_str().unwrap().to_owned();
        RootPath::new(path).map(|root| (text(root.parent()), text(root.name())))
    }

    #[test]
    fn a_path_is_taken_apart() {
        for (path, parent, name) in [
            ("a", ".", "a"),
            ("a///", ".", "a"),
            ("/a", "/", "a"),
            ("a/b", "a/", "b"),
            ("../a//b//", "../a//", "b"),
            ("./..a", "./", "..a"),
            ("...", ".", "..."),
        ] {
            assert_eq!(parts(path), Ok((parent.into(), name.into())), "{path}");
        }
    }

    //= docs/spec.md#g11-idempotent
    //= type=test
    //# G11.4: The walk MUST be Refused, and nothing touched, when the path is empty, is `/`, or has
    //# `.` or `..` as its last component.
    #[test]
    fn what_cannot_be_removed_is_refused() {
        for (path, why) in [
            ("", Refused::Empty),
            ("/", Refused::SystemRoot),
            ("///", Refused::SystemRoot),
            (".", Refused::Dot),
            ("..", Refused::Dot),
            ("a/.", Refused::Dot),
            ("a/../", Refused::Dot),
            ("/.", Refused::Dot),
            ("a\0b", Refused::Nul),
        ] {
            assert_eq!(parts(path), Err(why), "{path:?}");
        }
        assert_eq!(RootPath::entry("a/b"), Err(Refused::NotAName));
        assert_eq!(RootPath::entry("./a"), Err(Refused::NotAName));
        assert!(RootPath::entry("a/").is_ok());
    }
}
