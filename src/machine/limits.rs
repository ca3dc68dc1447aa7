//! Every limit the machine keeps. All are parameters, so that the model can run with 1 and 2.

/// The limits of one walk.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Limits {
    /// How many directories above the current one may be held open, at least 1 (spec G8).
    pub max_open_dirs: u16,
    /// How many retries the walk may make (spec G3).
    pub patience: u32,
    /// How many passes over one directory may be followed by another although they met no fewer
    /// entries than the one before (spec G3).
    pub passes: u8,
    /// How many names of subdirectories one reading may note before it stops, at least 1.
    pub batch: u32,
    /// How many noted names all levels may keep together, the ones being walked not counted. A
    /// level may take half of what is left and always 1, so that no list ever needs to be dropped
    /// (spec G9).
    pub arena: u32,
    /// How many levels deep the walk may go, the root counted (spec G3).
    pub max_depth: u32,
    /// How many entries the walk may meet (spec G3).
    pub max_entries: Option<u64>,
    /// Empty the root and keep it (spec G12).
    pub keep_root: bool,
    /// The root's parent has a path that can be resolved again when its descriptor went stale.
    pub resolvable: bool,
}

impl Limits {
    /// The values promised in the documentation.
    pub const DEFAULT: Limits = Limits {
        max_open_dirs: 64,
        patience: 256,
        passes: 2,
        batch: 4096,
        //= docs/spec.md#g9-bounded-memory
        //# G9.2: All levels together MUST NOT keep more than 32,768 names noted, not counting the
        //# one name of each level that is being walked.
        arena: 32_768,
        max_depth: 1 << 22,
        max_entries: None,
        keep_root: false,
        resolvable: true,
    };

    /// The limits with every value that must be at least 1 raised to it.
    #[must_use]
    pub fn clamped(self) -> Limits {
        Limits {
            //= docs/spec.md#g8-bounded-handles
            //# G8.2: A `max_open_dirs` of 0 MUST be taken as 1.
            max_open_dirs: self.max_open_dirs.clamp(1, u16::MAX - 3),
            batch: self.batch.max(1),
            max_depth: self.max_depth.max(1),
            ..self
        }
    }

    /// How many names a level may note when `outer` are noted by the levels above it.
    #[must_use]
    pub fn room(&self, outer: u32) -> u32 {
        //= docs/spec.md#g9-bounded-memory
        //# G9.3: A level MUST NOT note more than half of what the levels above it have left of the
        //# arena, but may always note one name.
        //= docs/spec.md#g9-bounded-memory
        //# G9.4: The walker MUST NOT drop a list of noted names to make room for another.
        let half = self.arena.saturating_sub(outer) / 2;
        half.min(self.batch).max(1)
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_small_or_too_large_is_clamped() {
        let none = Limits {
            max_open_dirs: 0,
            batch: 0,
            max_depth: 0,
            ..Limits::DEFAULT
        };
        let one = none.clamped();
        assert_eq!((one.max_open_dirs, one.batch, one.max_depth), (1, 1, 1));
        let all = Limits {
            max_open_dirs: u16::MAX,
            ..Limits::DEFAULT
        };
        // With the three beside the window there are as many slots as numbers.
        assert_eq!(all.clamped().max_open_dirs, 65_532);
        assert_eq!(Limits::DEFAULT.clamped(), Limits::DEFAULT);
    }
}
