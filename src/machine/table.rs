//! The transition table: one row per arm of `Walker::step`.
//!
//! The code of the arms stands in `descend`, `strip`, `ascend`, `remove_empty` and `retry`. Each arm
//! names its row when it is taken, so that a check can hold the rows against what happens: every
//! row but the broken words must be reached, and only the states it names may follow it. Diagrams
//! and matrices are drawn from here.

/// The name of a state, without what it waits for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum StateName {
    /// Entering a subdirectory.
    Descend,
    /// Unlinking what is no directory, noting what is.
    Strip,
    /// Leaving a cleared directory for its parent.
    Ascend,
    /// Removing the cleared child, at last the root.
    RemoveEmpty,
    /// Starting at the root.
    Retry,
    /// Decided; closing what is held.
    Done,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The arm.
    pub arm: Arm,
    /// The state in which it is taken.
    pub state: StateName,
    /// What the state was waiting for.
    pub awaiting: &'static str,
    /// The reply, and the condition where one reply has several arms.
    pub reply: &'static str,
    /// The states that may follow.
    pub next: &'static [StateName],
    /// The reason for the arm.
    pub why: &'static str,
}

impl Row {
    /// Whether the arm is for a world that breaks its word: reached by fuzzing only.
    #[must_use]
    pub fn is_broken_word(&self) -> bool {
        self.reply == BROKEN
    }
}

/// The reply of rows for a world that breaks its word.
const BROKEN: &str = "a reply to another request";

/// What may follow when the walker asks itself what is next in the current directory.
macro_rules! states {
    (onward) => { &[StateName::Descend, StateName::Strip, StateName::Ascend, StateName::RemoveEmpty] };
    ($($state:ident)*) => { &[$(StateName::$state),*] };
}

macro_rules! table {
    ($($state:ident { $($arm:ident: $awaiting:literal, $reply:expr => [$($next:tt)*] $why:literal;)* })*) => {
        /// An arm of the transition.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Arm { $($(
            #[doc = concat!(stringify!($state), ", awaiting ", $awaiting, ": ", $why)]
            $arm,
        )*)* }

        /// The table, in the order of the states.
        pub const TABLE: &[Row] = &[$($(Row {
            arm: Arm::$arm,
            state: StateName::$state,
            awaiting: $awaiting,
            reply: $reply,
            next: states!($($next)*),
            why: $why,
        },)*)*];
    };
}

table! {
    Descend {
        DescendOpened: "open child", "opened" => [Descend]
            "its identity decides whether it is entered";
        DescendVanished: "open child", "gone" => [onward]
            "someone else removed it: dropped from the list, and the walk goes on at this level (rule 1)";
        DescendTurned: "open child", "not a directory" => [Strip]
            "the listing was wrong or is old: it is unlinked as a file (rule 2)";
        DescendFlipped: "open child", "not a directory, the second time" => [onward]
            "it changes faster than we look: left for the next pass (rule 2)";
        DescendThinning: "open child", "exhausted, a slot can be given back" => [Descend]
            "the outermost held level is closed, and the child asked for again; never the immediate parent's";
        DescendExhausted: "open child", "exhausted, nothing to give" => [RemoveEmpty]
            "it may be empty all the same (rule 3)";
        DescendMounted: "open child", "mounted" => [RemoveEmpty]
            "no mount is entered; the rmdir tells whether it still is one";
        DescendUnopenable: "open child", "failed" => [RemoveEmpty]
            "a directory that cannot be opened may be empty (rule 3)";
        DescendThinned: "close outermost", "closed" => [Descend]
            "the child is asked for again";
        DescendEntered: "identify child", "is, on this file system" => [Strip]
            "a new level";
        DescendNarrowing: "identify child", "is, and the window is full" => [Descend]
            "a new level, for which the outermost held one is closed";
        DescendForeign: "identify child", "is, on another mount or device" => [Descend]
            "a mount or a subvolume is not entered, however it was opened";
        DescendLooped: "identify child", "is, and already on the way" => [Retry]
            "the tree was moved under the walker (rule 5)";
        DescendDied: "identify child", "gone" => [Descend]
            "removed between the opening and now";
        DescendUnidentified: "identify child", "failed" => [Descend]
            "what cannot be identified is not entered";
        DescendLeft: "close child", "closed, it was gone" => [onward]
            "dropped from the list (rule 1)";
        DescendShut: "close child", "closed, it may not be entered" => [RemoveEmpty]
            "it may be empty (rule 3)";
        DescendNarrowed: "close outermost", "closed, the child is entered" => [Strip]
            "the window has its size again";
        DescendBroken: "any", BROKEN => [Done]
            "the world broke its word";
    }
    Strip {
        StripSought: "seek", "sought" => [Strip]
            "continuing is not a new pass (rule 7)";
        StripSeekGone: "seek", "gone" => [Ascend]
            "nothing left to strip; not a pass (rule 1)";
        StripSeekFailed: "seek", "failed" => [Ascend]
            "the rest cannot be read: a leftover";
        StripFile: "read", "entry, no directory or of unknown type" => [Strip]
            "unlinked at once; unknown types cost no stat (rule 2)";
        StripNoted: "read", "entry, a directory" => [Strip]
            "noted, to be entered when the reading stops";
        StripFull: "read", "entry, a directory, and the list is full" => [Descend RemoveEmpty]
            "the noted ones first; the reading continues here later (rule 7)";
        StripLimit: "read", "entry, beyond max_entries" => [Descend Ascend RemoveEmpty]
            "nothing else bounds a listing that never ends";
        StripEnd: "read", "end" => [Descend Ascend RemoveEmpty]
            "the pass is whole";
        StripGone: "read", "gone" => [Ascend]
            "nothing left to strip; not a pass (rule 1)";
        StripReadFailed: "read", "failed" => [Descend Ascend RemoveEmpty]
            "a leftover; what was noted is still tried";
        StripRemoved: "unlink", "removed" => [Strip]
            "one file, one system call";
        StripVanished: "unlink", "gone" => [Strip]
            "someone else removed it first (rule 1)";
        StripIsDirectory: "unlink", "is a directory" => [Strip Descend RemoveEmpty]
            "the listing was wrong or is old: noted (rule 2)";
        StripMayBeDirectory: "unlink", "denied, of unknown type" => [Strip Descend RemoveEmpty]
            "a 0555 or sticky parent answers so for directories: noted (rule 2)";
        StripDenied: "unlink", "denied, known to be a file" => [Strip]
            "a leftover";
        StripFailed: "unlink", "failed" => [Strip]
            "a leftover";
        StripTurnedRemoved: "unlink turned", "removed" => [onward]
            "it was a file";
        StripTurnedVanished: "unlink turned", "gone" => [onward]
            "someone else removed it first (rule 1)";
        StripTurnedBack: "unlink turned", "is a directory" => [Descend RemoveEmpty]
            "once each way (rule 2)";
        StripFlipped: "unlink turned", "is a directory, the second time" => [onward]
            "it changes faster than we look: left for the next pass (rule 2)";
        StripTurnedFailed: "unlink turned", "denied or failed" => [onward]
            "a leftover";
        StripBroken: "any", BROKEN => [Done]
            "the world broke its word";
    }
    Ascend {
        AscendClosed: "close child", "closed" => [RemoveEmpty]
            "the parent is held: no `..` needed";
        AscendEmptied: "close child", "closed, root kept, the pass met nothing" => [Done]
            "a whole pass begun after the last removal met nothing (G12)";
        AscendKeptAgain: "close child", "closed, root kept, another pass" => [Retry]
            "what the pass met may be gone; the next pass tells (rule 4)";
        AscendKeptLost: "close child", "closed, root kept, the reading was cut short" => [Retry]
            "whether the root is gone is seen by its name only; if it is there, that costs a retry (rule 1)";
        AscendKeptFull: "close child", "closed, root kept, no further pass" => [Done]
            "something is left (rule 4)";
        AscendKeptFault: "close child", "closed, root kept, and it could not be read" => [Done]
            "nothing below explains it: Io";
        AscendOpened: "open `..`", "opened" => [Ascend]
            "believed only after its identity was compared (rule 5)";
        AscendGone: "open `..`", "gone" => [Retry]
            "the way is lost (rule 1)";
        AscendUnreachable: "open `..`", "anything else" => [Retry]
            "the way is lost (rule 5)";
        AscendSame: "identify `..`", "is the one we came from" => [Ascend]
            "believed";
        AscendUnsure: "identify `..`", "is the one we came from, its birth unknown" => [Ascend]
            "a reused inode number looks the same: the grandparent is compared too (rule 5)";
        AscendMoved: "identify `..`", "is another" => [Retry]
            "the directory was moved while the walker was in it (rule 5)";
        AscendDied: "identify `..`", "gone" => [Retry]
            "the way is lost (rule 5)";
        AscendUnidentified: "identify `..`", "failed" => [Retry]
            "what cannot be identified is not believed (rule 5)";
        AscendAboveOpened: "open `../..`", "opened" => [Ascend]
            "believed only after its identity was compared (rule 5)";
        AscendAboveGone: "open `../..`", "gone" => [Retry]
            "the way is lost (rule 5)";
        AscendAboveUnreachable: "open `../..`", "anything else" => [Retry]
            "the way is lost (rule 5)";
        AscendAboveSame: "identify `../..`", "is the one we came from" => [Ascend]
            "parent and grandparent fit: believed";
        AscendAboveMoved: "identify `../..`", "is another" => [Retry]
            "the inode number was reused, or the parent moved (rule 5)";
        AscendAboveDied: "identify `../..`", "gone" => [Retry]
            "the way is lost (rule 5)";
        AscendAboveUnidentified: "identify `../..`", "failed" => [Retry]
            "what cannot be identified is not believed (rule 5)";
        AscendAboveClosed: "close `../..`", "closed" => [Ascend]
            "it was opened for the comparison only";
        AscendLeft: "close child", "closed, the parent came by `..`" => [RemoveEmpty]
            "the walker stands in the parent";
        AscendBroken: "any", BROKEN => [Done]
            "the world broke its word";
    }
    RemoveEmpty {
        ChildRemoved: "rmdir child", "removed" => [onward]
            "leftovers below it are void (rule 10)";
        ChildVanished: "rmdir child", "gone" => [onward]
            "someone else removed it first; leftovers below it are void (rules 1, 10)";
        ChildExplained: "rmdir child", "not empty, a leftover is known below" => [onward]
            "one more line of the report and no new pass (rule 4)";
        ChildAgain: "rmdir child", "not empty, unexplained" => [Descend]
            "another pass (rule 4)";
        ChildCut: "rmdir child", "not empty, the reading was cut short" => [Descend]
            "that was no pass: another one, which draws on patience (rule 1)";
        ChildFull: "rmdir child", "not empty, no further pass" => [onward]
            "its passes stopped shrinking, or patience is spent: a leftover (rule 4)";
        ChildBlocked: "rmdir child", "not removed, and it could not be entered" => [onward]
            "a leftover, for the reason it could not be entered (rule 3)";
        ChildTakenBack: "rmdir child", "not removed, and it was given away" => [Descend RemoveEmpty]
            "who was asked to remove it has not: taken back and entered";
        ChildTurned: "rmdir child", "not a directory" => [Strip]
            "swapped for a file meanwhile: unlinked; leftovers below it are void (rules 2, 10)";
        ChildFlipped: "rmdir child", "not a directory, the second time" => [onward]
            "it changes faster than we look: left for the next pass; leftovers below it are void (rules 2, 10)";
        ChildFailed: "rmdir child", "busy or failed" => [onward]
            "a leftover";
        RootRemoved: "rmdir root", "removed" => [Done]
            "the root's name was seen absent (G5)";
        RootVanished: "rmdir root", "gone: ENOENT" => [Done]
            "the root's name was seen absent (G5)";
        RootStale: "rmdir root", "gone: ESTALE" => [Retry]
            "it may be the parent that is stale: its path is resolved once more (rule 8)";
        RootStaleAgain: "rmdir root", "gone: ESTALE, and no path to resolve or no patience" => [Done]
            "no proof that the root is gone: Io (rule 8)";
        RootExplained: "rmdir root", "not empty, a leftover is known below" => [Done]
            "NotEmpty (rule 4)";
        RootAgain: "rmdir root", "not empty, unexplained" => [Retry]
            "another pass, from the root's name (rules 4, 8)";
        RootCut: "rmdir root", "not empty, the reading was cut short" => [Retry]
            "that was no pass: another one, which draws on patience (rule 1)";
        RootFull: "rmdir root", "not empty, no further pass" => [Done]
            "NotEmpty (rules 4, 9)";
        RootFault: "rmdir root", "not empty, and it could not be read" => [Done]
            "nothing below explains it: Io";
        RootBlocked: "rmdir root", "not removed, and it could not be entered" => [Done]
            "nothing below explains it: Io, for the reason it could not be entered";
        RootDecided: "rmdir root", "not empty, and this removal decides" => [Done]
            "NotEmpty (rules 8, 9)";
        RootBusy: "rmdir root", "busy, and it was entered or this removal decides" => [Done]
            "a mount was placed on it: NotEmpty (rule 8)";
        RootTurned: "rmdir root", "not a directory" => [Done]
            "its name was replaced: NotADirectory (rule 8)";
        RootFailed: "rmdir root", "failed" => [Done]
            "NotEmpty where leftovers are known, else Io";
        RemoveEmptyBroken: "any", BROKEN => [Done]
            "the world broke its word";
    }
    Retry {
        RetryDropping: "close", "closed, more are held" => [Retry]
            "everything is dropped";
        RetryDropped: "close", "closed, the last one" => [Retry RemoveEmpty Done]
            "start at the root, or at its parent's path; or patience is spent and one removal decides (rule 9)";
        RetryBaseOpened: "open base", "opened" => [Retry]
            "held for the whole walk";
        RetryBaseMissing: "open base", "gone: ENOENT" => [Done]
            "no parent, no root (G11)";
        RetryBaseStale: "open base", "gone: ESTALE" => [Done]
            "a path that answers ESTALE proves nothing: Io (rule 8)";
        RetryBaseUnopenable: "open base", "anything else" => [Done]
            "Io: nothing was touched";
        RetryBaseKnown: "identify base", "is" => [Retry]
            "what the root is compared with";
        RetryBaseDied: "identify base", "gone" => [Retry]
            "it was removed between the opening and now: its path is resolved once more (rule 8)";
        RetryBaseUnknown: "identify base", "anything else, or gone, and no path to resolve or no patience" => [Done]
            "Io, or Refused where mounts cannot be told apart";
        RetryOpened: "open root", "opened" => [Retry]
            "its identity decides whether it is entered";
        RetrySpent: "open root", "opened, it was said to be gone, and patience is spent" => [Retry]
            "not entered again: one removal decides (rule 9)";
        RetryAbsent: "open root", "gone: ENOENT" => [Done]
            "the root's name was seen absent (G5, G11)";
        RetryStale: "open root", "gone: ESTALE" => [Retry]
            "it may be the parent that is stale: its path is resolved once more (rule 8)";
        RetryStaleAgain: "open root", "gone: ESTALE, and no path to resolve or no patience" => [Done]
            "no proof that the root is gone: Io (rule 8)";
        RetryNotDirectory: "open root", "not a directory, from the start" => [Done]
            "untouched (G11)";
        RetryReplaced: "open root", "not a directory or mounted, after it was entered once" => [RemoveEmpty Done]
            "not entered: one removal decides (rule 8)";
        RetryMountPoint: "open root", "mounted, from the start" => [Done]
            "it could be emptied and never removed: Refused (G11)";
        RetryUnopenable: "open root", "exhausted or failed" => [RemoveEmpty Done]
            "it may be empty (rule 3)";
        RetryFirst: "identify root", "is, for the first time" => [Retry]
            "this directory is the root from now on (rule 8)";
        RetryEntered: "identify root", "is the root" => [Strip]
            "a new pass over it";
        RetryStranger: "identify root", "is another" => [Retry]
            "not entered: one removal decides (rule 8)";
        RetryRefused: "identify root", "for the first time: is on another mount than its parent, or mounts cannot be told apart" => [Retry]
            "Refused (G11, G4)";
        RetryDied: "identify root", "gone" => [Retry]
            "removed between the opening and now: its name is asked for again";
        RetryUnidentified: "identify root", "failed" => [Retry]
            "what cannot be identified is not entered";
        RetryInspected: "inspect", "told" => [Strip]
            "the root's level";
        RetryLeft: "close root", "closed, it is not entered" => [Retry RemoveEmpty Done]
            "its name is asked for again, one removal decides, or nothing is touched";
        RetryBroken: "any", BROKEN => [Done]
            "the world broke its word";
    }
    Done {
        DoneClosed: "close", "closed" => [Done]
            "every slot is closed on every way out (G10)";
        DoneBroken: "any", BROKEN => [Done]
            "the world broke its word; what is held is still closed";
    }
}

impl Arm {
    /// Its row.
    #[must_use]
    pub fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    #[test]
    fn rows_are_found_by_their_arm() {
        assert!(TABLE.iter().all(|row| row.arm.row().arm == row.arm));
    }

    #[test]
    fn broken_words_are_named_so() {
        for row in TABLE {
            let name = std::format!("{:?}", row.arm);
            assert_eq!(row.is_broken_word(), name.ends_with("Broken"), "{name}");
        }
    }
}
