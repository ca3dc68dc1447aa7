// Variants of the machine that are known to be wrong, each a patch of one place of `src/machine`.
//
// This file is read twice: by the build script, which makes the bent copy of the machine from it,
// and by the command `teeth`, which bends it one variant at a time. A patch must fit exactly one
// place, or the build fails, so a variant cannot outlive the line that it bends.

/// A wrong variant.
pub(crate) struct Variant {
    /// Its name.
    pub(crate) name: &'static str,
    /// The rule, limit or guarantee that it breaks.
    pub(crate) breaks: &'static str,
    /// What it does wrong.
    pub(crate) wrong: &'static str,
    /// The law that finds it, and the configuration in which it does.
    pub(crate) found: (&'static str, &'static str),
    /// The places that it bends; none when it is the world that is bent.
    pub(crate) patches: &'static [Patch],
}

/// One place of a variant.
pub(crate) struct Patch {
    /// The file of `src/machine`.
    pub(crate) file: &'static str,
    /// The text that is replaced: stands there exactly once.
    pub(crate) find: &'static str,
    /// What stands there instead; `BENT` is true while the variant is chosen.
    pub(crate) replace: &'static str,
}

/// All of them: the rules in their order, the guarantees, the limits.
pub(crate) const VARIANTS: &[Variant] = &[
    Variant {
        name: "missing child is fatal",
        breaks: "rule 1",
        wrong: "a child that someone else removed ends the walk",
        found: ("G1 removers", "removers"),
        patches: &[Patch {
            file: "descend.rs",
            find: "self.onward();
                Step::quiet(Arm::DescendVanished)",
            replace: "if BENT {
                    self.state = super::retry::failed(Fault::new(Operation::Open, Reason::Stale));
                    return Step::quiet(Arm::DescendVanished);
                }
                self.onward();
                Step::quiet(Arm::DescendVanished)",
        }],
    },
    Variant {
        name: "missing child is not dropped",
        breaks: "rule 1",
        wrong: "a child that someone else removed stays in the list",
        found: ("T1 halts alone", "removers"),
        patches: &[Patch {
            file: "descend.rs",
            find: "Open::Gone(Gone::Missing | Gone::Stale) => {
                self.forget_child(names);",
            replace: "Open::Gone(Gone::Missing | Gone::Stale) => {
                if BENT {
                    return Step::quiet(Arm::DescendVanished);
                }
                self.forget_child(names);",
        }],
    },
    Variant {
        name: "a lost way is success",
        breaks: "rule 1",
        wrong: "`..` answering gone is taken for a root that is gone",
        found: ("G5 honest success", "removers, nfs"),
        patches: &[Patch {
            file: "ascend.rs",
            find: "Open::Gone(Gone::Missing | Gone::Stale) => self.lose(names, gone, Cause::Gone),",
            replace: "Open::Gone(Gone::Missing | Gone::Stale) => {
                if BENT {
                    self.state = State::Done(Outcome::Vanished);
                    return Step::quiet(gone);
                }
                self.lose(names, gone, Cause::Gone)
            }",
        }],
    },
    Variant {
        name: "cut reading counts as a pass",
        breaks: "rule 1",
        wrong: "a reading that answered gone ends the passes like a whole one",
        found: ("table", "made again"),
        patches: &[Patch {
            file: "mod.rs",
            find: "        if cleared.cut {",
            replace: "        if BENT && cleared.cut {
            return None;
        }
        if cleared.cut {",
        }],
    },
    Variant {
        name: "a leftover explains a cut reading",
        breaks: "rule 1",
        wrong: "what was not read is not tried when something else is left there",
        found: ("table", "made again, unsearchable"),
        patches: &[Patch {
            file: "mod.rs",
            find: "&& !self.cut",
            replace: "&& (BENT || !self.cut)",
        }],
    },
    Variant {
        name: "type in the listing is believed",
        breaks: "rule 2",
        wrong: "an entry that turns out to be a directory is a leftover",
        found: ("G6 honest failure", "alone, wrong kinds"),
        patches: &[Patch {
            file: "strip.rs",
            find: "            Unlink::IsDirectory => {
                self.note(names, name, true);",
            replace: "            Unlink::IsDirectory if BENT => {
                self.strip_left(name, Arm::StripIsDirectory, super::Errno(21))
            }
            Unlink::IsDirectory => {
                self.note(names, name, true);",
        }],
    },
    Variant {
        name: "denied directory of unknown type is a leftover",
        breaks: "rule 2",
        wrong: "EACCES for an entry of unknown type is taken for the answer of a file",
        found: ("G7 best effort", "immovable, unknown kinds"),
        patches: &[Patch {
            file: "strip.rs",
            find: "Unlink::Denied(_) if unknown => {",
            replace: "Unlink::Denied(_) if unknown && !BENT => {",
        }],
    },
    Variant {
        name: "no directory is no file",
        breaks: "rule 2",
        wrong: "a child that turns out to be no directory is a leftover",
        found: ("G6 honest failure", "alone, wrong kinds"),
        patches: &[Patch {
            file: "descend.rs",
            find: "            Open::NotDirectory => {",
            replace: "            Open::NotDirectory if BENT => {
                let fault = Fault::new(Operation::Open, Reason::NotDirectory);
                self.leave_child(names, Arm::DescendFlipped, fault)
            }
            Open::NotDirectory => {",
        }],
    },
    Variant {
        name: "turns are not counted",
        breaks: "rule 2",
        wrong: "an entry may turn from file to directory and back for ever",
        found: ("T2 rank falls", "flapper"),
        patches: &[Patch {
            file: "descend.rs",
            find: "child.was_directory = true;",
            replace: "child.was_directory = !BENT;
        child.was_file &= !BENT;",
        }],
    },
    Variant {
        name: "unopenable child is a leftover",
        breaks: "rule 3",
        wrong: "a directory that cannot be opened is not tried with rmdir",
        found: ("G7 best effort", "immovable"),
        patches: &[Patch {
            file: "descend.rs",
            find: "            Open::Failed(errno) => {
                self.blocked",
            replace: "            Open::Failed(errno) if BENT => {
                let fault = Fault::errno(Operation::Open, errno);
                self.leave_child(names, Arm::DescendVanished, fault)
            }
            Open::Failed(errno) => {
                self.blocked",
        }],
    },
    Variant {
        name: "ENOTEMPTY is swallowed",
        breaks: "rule 4",
        wrong: "a root that is not empty is taken for removed",
        found: ("G5 honest success", "immovable"),
        patches: &[Patch {
            file: "remove_empty.rs",
            find: "(Rmdir::NotEmpty, Root::Cleared(cleared)) => self.root_not_empty(cleared),",
            replace: "(Rmdir::NotEmpty, Root::Cleared(cleared)) => {
                if BENT {
                    return self.end(Arm::RootRemoved, Outcome::Removed, None);
                }
                self.root_not_empty(cleared)
            }",
        }],
    },
    Variant {
        name: "no second pass",
        breaks: "rule 4",
        wrong: "a directory that is not empty after one pass is a leftover",
        found: ("G6 honest failure", "skips, many passes"),
        patches: &[Patch {
            file: "remove_empty.rs",
            find: "        let Some(history) = self.another_pass(cleared) else {
            return self.leave_child",
            replace: "        let Some(history) = self.another_pass(cleared).filter(|_| !BENT) else {
            return self.leave_child",
        }],
    },
    Variant {
        name: "leftover is read again",
        breaks: "rule 4",
        wrong: "a leftover deep down makes every ancestor read again",
        found: ("G3 limits kept", "immovable"),
        patches: &[Patch {
            file: "mod.rs",
            find: "self.left && !self.doubt",
            replace: "self.left && !BENT && !self.doubt",
        }],
    },
    Variant {
        name: "no identity check after `..`",
        breaks: "rule 5",
        wrong: "whatever `..` reaches is taken for the parent (CVE-2002-0435's class)",
        found: ("G4 confinement", "movers"),
        patches: &[Patch {
            file: "ascend.rs",
            find: "Identify::Is(found) if expected.is_some_and(|e| self.same(e, found)) => {
                if self.believed",
            replace: "Identify::Is(found) if BENT || expected.is_some_and(|e| self.same(e, found)) => {
                if self.believed",
        }],
    },
    Variant {
        name: "reused number passes",
        breaks: "rule 5",
        wrong: "where births are unknown the grandparent is not compared",
        found: ("table", "births unknown"),
        patches: &[Patch {
            file: "ascend.rs",
            find: "if self.believed(found.inode).birth == Birth::UNKNOWN {",
            replace: "if !BENT && self.believed(found.inode).birth == Birth::UNKNOWN {",
        }],
    },
    Variant {
        name: "loops are entered",
        breaks: "rule 5",
        wrong: "a directory that is on the way already is entered again",
        found: ("G3 limits kept", "chain, movers"),
        patches: &[Patch {
            file: "descend.rs",
            find: "if self.way.contains(self.believed(found.inode)) => {",
            replace: "if !BENT && self.way.contains(self.believed(found.inode)) => {",
        }],
    },
    Variant {
        name: "names of levels are not kept apart",
        breaks: "rule 6",
        wrong: "a directory takes the last name of its parent for one of its own",
        found: ("no deadlock", "immovable"),
        patches: &[ Patch { file: "retry.rs", find: "base: u32::try_from(self.pending.len()).unwrap_or(u32::MAX),", replace: "base: u32::try_from(self.pending.len()).unwrap_or(u32::MAX).saturating_sub(u32::from(BENT))," },],
    },
    Variant {
        name: "reading is not continued",
        breaks: "rule 7",
        wrong: "when the list was full, the rest of the directory is taken for read",
        found: ("G6 honest failure", "alone"),
        patches: &[Patch {
            file: "strip.rs",
            find: "        if own >= self.limits.room(outer) {",
            replace: "        if BENT && own >= self.limits.room(outer) {
            self.end_reading();
        }
        if own >= self.limits.room(outer) {",
        }],
    },
    Variant {
        name: "lost positions are trusted",
        breaks: "rule 7",
        wrong: "a reading resumed where positions are lost counts as whole",
        found: ("G7 best effort", "immovable, positions lost"),
        patches: &[Patch {
            file: "strip.rs",
            find: "level.doubt |= !self.kept.positions;",
            replace: "level.doubt |= !self.kept.positions && !BENT;",
        }],
    },
    Variant {
        name: "doubt costs nothing",
        breaks: "rule 7",
        wrong: "passes above a leftover multiply from level to level where positions are lost",
        found: ("T1 halts alone", "deep, positions lost"),
        patches: &[Patch {
            file: "mod.rs",
            find: "(cleared.left && !self.draw())",
            replace: "(!BENT && cleared.left && !self.draw())",
        }],
    },
    Variant {
        name: "reading begins anew",
        breaks: "rule 7",
        wrong: "where the reading stopped is not remembered, so that it begins at the first entry again",
        found: ("T1 halts alone", "immovable"),
        patches: &[ Patch { file: "strip.rs", find: "level.position = position;", replace: "if !BENT {
            level.position = position;
        }" },],
    },
    Variant {
        name: "stranger is entered",
        breaks: "rule 8",
        wrong: "whatever has the root's name at Retry is taken for the root",
        found: ("G4 confinement", "strangers"),
        patches: &[Patch {
            file: "retry.rs",
            find: "(Identify::Is(found), Some(root)) if self.same(found, root) => {",
            replace: "(Identify::Is(found), Some(root)) if BENT || self.same(found, root) => {",
        }],
    },
    Variant {
        name: "ESTALE at the root is success",
        breaks: "rule 8",
        wrong: "a stale parent is taken for a root that is gone",
        found: ("G5 honest success", "the parent goes"),
        patches: &[Patch {
            file: "remove_empty.rs",
            find: "(Rmdir::Gone(Gone::Stale), Root::Cleared(_) | Root::Blocked(_) | Root::Deciding) => {",
            replace: "(Rmdir::Gone(Gone::Stale), Root::Cleared(_) | Root::Blocked(_) | Root::Deciding) => {
                if BENT {
                    return self.end(Arm::RootVanished, Outcome::Vanished, self.void_root(why));
                }",
        }],
    },
    Variant {
        name: "spent patience is success",
        breaks: "rule 9",
        wrong: "when patience is spent the walk ends Ok without a last rmdir",
        found: ("G5 honest success", "removers, nfs, no patience"),
        patches: &[Patch {
            file: "retry.rs",
            find: "            Then::Last => return self.decide(Root::Deciding, LEFT),",
            replace: "            Then::Last if BENT => self.state = State::Done(Outcome::Removed),
            Then::Last => return self.decide(Root::Deciding, LEFT),",
        }],
    },
    Variant {
        name: "leftovers are not voided",
        breaks: "rule 10",
        wrong: "what was left in a directory that is gone by now stays in the report",
        found: ("G5 honest success", "faults and removers"),
        patches: &[Patch {
            file: "remove_empty.rs",
            find: "Child::Cleared(cleared) => cleared.left.then(|| self.void_child()),",
            replace: "Child::Cleared(cleared) => (cleared.left && !BENT).then(|| self.void_child()),",
        }],
    },
    Variant {
        name: "device is not compared",
        breaks: "G4",
        wrong: "a directory on another mount or device is entered once it is open",
        found: ("G4 confinement", "immovable"),
        patches: &[Patch {
            file: "descend.rs",
            find: "Identify::Is(found) if !self.is_at_home(found) => {",
            replace: "Identify::Is(found) if !BENT && !self.is_at_home(found) => {",
        }],
    },
    Variant {
        name: "symlink is followed",
        breaks: "G4",
        wrong: "an opening follows symlinks (CVE-2022-21658's class)",
        found: ("G4 confinement", "symlinks"),
        patches: &[],
    },
    Variant {
        name: "device is compared before the opening",
        breaks: "G4",
        wrong: "the child is opened, compared and closed; then it is opened again and believed",
        found: ("G4 confinement", "no openat2"),
        patches: &[ Patch { file: "descend.rs", find: "let leave = |why| State::Descend(Descend::Leaving(slot, why));", replace: "let leave = |why| State::Descend(Descend::Leaving(slot, why));
        if let (true, Identify::Is(found)) = (BENT, identify) {
            if history.flat >= 100 {
                self.push_level(slot, History::FIRST, found);
                let narrow = self.way.held_above() > usize::from(self.window);
                self.state = if narrow {
                    State::Descend(Descend::Narrowing)
                } else {
                    State::Strip(Strip::Reading)
                };
                return Step::quiet(Arm::DescendEntered);
            }
            if self.is_at_home(found) {
                let compared = Fault::new(Operation::Seek, Reason::Stale);
                self.state = leave(Unentered::Blocked(compared));
                return Step::quiet(Arm::DescendForeign);
            }
        }", }, Patch { file: "descend.rs", find: "Unentered::Blocked(fault) => {", replace: "Unentered::Blocked(fault) if BENT && fault.operation == Operation::Seek => {
                self.state = State::Descend(Descend::Opening(History { met: 0, flat: 100 }));
                Step::quiet(Arm::DescendThinned)
            }
            Unentered::Blocked(fault) => {" },],
    },
    Variant {
        name: "NotEmpty names nothing",
        breaks: "G6",
        wrong: "a root that is left is not named",
        found: ("G6 honest failure", "usurpers"),
        patches: &[ Patch { file: "remove_empty.rs", find: "Some(Note::Leftover { at: At::Root, fault, }),", replace: "(!BENT).then_some(Note::Leftover { at: At::Root, fault })," },],
    },
    Variant {
        name: "one unremovable entry stops the rest",
        breaks: "G7",
        wrong: "after an entry that cannot be removed the reading ends",
        found: ("G7 best effort", "immovable"),
        patches: &[Patch {
            file: "strip.rs",
            find: "        self.mark_left();
        self.state = State::Strip(Strip::Reading);",
            replace: "        self.mark_left();
        if BENT {
            self.end_reading();
            self.onward();
            return Step::noting(Arm::StripReadFailed, self.entry_left(name, Fault::errno(Operation::Unlink, errno)));
        }
        self.state = State::Strip(Strip::Reading);",
        }],
    },
    Variant {
        name: "immediate parent is given up",
        breaks: "G8",
        wrong: "when descriptors run out the parent's slot goes too",
        found: ("G8 bounded handles", "unsearchable"),
        patches: &[Patch {
            file: "descend.rs",
            find: "if self.way.held_above() > 1 => {",
            replace: "if self.way.held_above() > usize::from(!BENT) => {",
        }],
    },
    Variant {
        name: "slots are leaked on Retry",
        breaks: "G10",
        wrong: "the levels are forgotten and their slots are not closed",
        found: ("G10 every slot closed", "removers, nfs"),
        patches: &[Patch {
            file: "retry.rs",
            find: "if self.slots.lowest_held(self.base).is_some() {
            return Step::quiet(Arm::RetryDropping);",
            replace: "if BENT {
            while let Some(slot) = self.slots.lowest_held(self.base) {
                self.slots.free(slot);
            }
        }
        if self.slots.lowest_held(self.base).is_some() {
            return Step::quiet(Arm::RetryDropping);",
        }],
    },
    Variant {
        name: "a stopped walk leaks",
        breaks: "G10",
        wrong: "a walk that is stopped closes nothing",
        found: ("G10 every slot closed", "stopped"),
        patches: &[ Patch { file: "mod.rs", find: "self.state = State::Done(Outcome::Stopped(why));", replace: "self.state = State::Done(Outcome::Stopped(why));
            while let (true, Some(slot)) = (BENT, self.slots.lowest_held(None)) {
                self.slots.free(slot);
            }" },],
    },
    Variant {
        name: "mount point as root is entered",
        breaks: "G11",
        wrong: "a root that is a mount point is emptied",
        found: ("G4 confinement", "no openat2, odd roots"),
        patches: &[Patch {
            file: "retry.rs",
            find: "!self.limits.keep_root && self .base_identity .is_some_and",
            replace: "!BENT && !self.limits.keep_root && self.base_identity.is_some_and",
        }],
    },
    Variant {
        name: "keep_root believes one pass",
        breaks: "G12",
        wrong: "a kept root is said to be empty after a pass that met something",
        found: ("G12 keep_root", "kept"),
        patches: &[Patch {
            file: "ascend.rs",
            find: "if cleared.met == 0 && !cleared.left {",
            replace: "if (BENT || cleared.met == 0) && !cleared.left {",
        }],
    },
    Variant {
        name: "kept root is removed",
        breaks: "G12",
        wrong: "where one removal decides, a root that is to be kept goes too",
        found: ("G12 keep_root", "kept"),
        patches: &[ Patch { file: "retry.rs", find: "if !self.limits.keep_root {
            self.state = State::RemoveEmpty", replace: "if BENT || !self.limits.keep_root {
            self.state = State::RemoveEmpty" },],
    },
    Variant {
        name: "passes without limit",
        breaks: "limit: passes",
        wrong: "passes that do not shrink are not counted",
        found: ("T2 rank falls", "skips, few passes"),
        patches: &[Patch {
            file: "mod.rs",
            find: "} else if flat >= self.limits.passes ||",
            replace: "} else if BENT {
            Some(History { met: cleared.met, flat })
        } else if flat >= self.limits.passes ||",
        }],
    },
    Variant {
        name: "patience without end",
        breaks: "limit: patience",
        wrong: "retries are not counted",
        found: ("T2 rank falls", "removers, nfs"),
        patches: &[Patch {
            file: "mod.rs",
            find: "            Some(patience) => self.patience = patience,",
            replace: "            Some(patience) => self.patience = if BENT { self.patience } else { patience },",
        }],
    },
    Variant {
        name: "window has no end",
        breaks: "limit: max_open_dirs",
        wrong: "every level on the way stays open",
        found: ("G8 bounded handles", "alone"),
        patches: &[Patch {
            file: "descend.rs",
            find: "if self.way.held_above() > usize::from(self.window) {",
            replace: "if !BENT && self.way.held_above() > usize::from(self.window) {",
        }],
    },
    Variant {
        name: "arena has no end",
        breaks: "limit: arena, batch",
        wrong: "every name of a directory is noted, however many there are",
        found: ("G9 bounded memory", "alone, loose"),
        patches: &[Patch {
            file: "strip.rs",
            find: "let own = u32",
            replace: "let own = if BENT { 0 } else { 1 } * u32",
        }],
    },
    Variant {
        name: "depth has no end",
        breaks: "limit: max_depth",
        wrong: "a child is entered however deep it lies",
        found: ("G3 limits kept", "few levels"),
        patches: &[Patch {
            file: "mod.rs",
            find: "depth >= self.limits.max_depth as usize {",
            replace: "depth >= self.limits.max_depth as usize && !BENT {",
        }],
    },
    Variant {
        name: "entries have no end",
        breaks: "limit: max_entries",
        wrong: "entries are not counted",
        found: ("G3 limits kept", "few entries"),
        patches: &[Patch {
            file: "strip.rs",
            find: "if self.entries == Some(0) {",
            replace: "if !BENT && self.entries == Some(0) {",
        }, Patch {
            file: "strip.rs",
            find: "left - 1",
            replace: "left.saturating_sub(1)",
        }],
    },
    Variant {
        name: "ESTALE again is an error",
        breaks: "rule 8",
        wrong: "a parent that goes after its path was resolved is not looked for again",
        found: ("G1 removers", "the parent goes"),
        patches: &[ Patch { file: "retry.rs", find: "if self.resolved {
            self.draw();", replace: "if self.resolved && !BENT {
            self.draw();" },],
    },
    Variant {
        name: "resolving again and again is free",
        breaks: "limit: patience",
        wrong: "the path of a stale parent is resolved as often as it answers ESTALE",
        found: ("T2 rank falls", "the parent goes"),
        patches: &[Patch {
            file: "retry.rs",
            find: "(Arm, Arm),
    ) -> Step<N> {",
            replace: "(Arm, Arm),
    ) -> Step<N> {
        self.resolved &= !BENT;",
        }],
    },
    Variant {
        name: "a root that is there again is free",
        breaks: "limit: patience",
        wrong: "a root that was said to be gone and is still there is entered without drawing on patience",
        found: ("T2 rank falls", "the parent goes"),
        patches: &[ Patch { file: "retry.rs", find: "start.owes && !self.draw()", replace: "!BENT && start.owes && !self.draw()" },],
    },
    Variant {
        name: "a path is resolved that there is not",
        breaks: "limit: resolvable",
        wrong: "the root's parent was given without a path, and is resolved again",
        found: ("G3 limits kept", "no path"),
        patches: &[ Patch { file: "retry.rs", find: "if self.limits.resolvable &&", replace: "if (BENT || self.limits.resolvable) &&" },],
    },
    Variant {
        name: "given away is gone",
        breaks: "the mark given away",
        wrong: "a name that was given away and still stands is dropped from the list",
        found: ("G6 honest failure", "helpers"),
        patches: &[Patch {
            file: "remove_empty.rs",
            find: "                if let Some(child) = self.pending.last_mut() {
                    child.given = false;",
            replace: "                if BENT {
                    return self.child_gone(names, Arm::ChildVanished, why);
                }
                if let Some(child) = self.pending.last_mut() {
                    child.given = false;",
        }],
    },
];
