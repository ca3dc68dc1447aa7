//! What a trace may be refused for, each rule with its reason.
//!
//! The first group is about the trace and the machine; the second about the world: what
//! `model/src/world` allows, said of directories that are known by descriptor and identity alone.

/// A rule that a trace broke.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Rule {
    /// A line is not what the format says.
    Format,
    /// A line comes where none of its kind can be.
    Order,
    /// The machine asks for something else.
    Request,
    /// The machine took another arm than its table has, or one for a broken word.
    Table,
    /// The machine decides on another end.
    Outcome,
    /// The report does not say what was done.
    Report,
    /// A slot is given twice, used while it is closed, or there are too many.
    Slots,

    /// A call that was asked for cannot give this errno, or this answer.
    Errno,
    /// ESTALE where files are local.
    Stale,
    /// A name that no directory has.
    Name,
    /// A listing repeats itself, or goes on behind its end.
    Listing,
    /// A descriptor became another directory.
    Same,
    /// The number of an open directory was given to another one.
    Number,
    /// A dead directory did something that only a living one does.
    Dead,
    /// A directory is in itself.
    Within,
    /// A mount was crossed by a call that does not cross mounts.
    Mount,
    /// What the system can tell changed.
    System,
    /// Others did what they are said not to do.
    Others,
}

impl Rule {
    /// All of them.
    pub const ALL: [Rule; 18] = [
        Rule::Format,
        Rule::Order,
        Rule::Request,
        Rule::Table,
        Rule::Outcome,
        Rule::Report,
        Rule::Slots,
        Rule::Errno,
        Rule::Stale,
        Rule::Name,
        Rule::Listing,
        Rule::Same,
        Rule::Number,
        Rule::Dead,
        Rule::Within,
        Rule::Mount,
        Rule::System,
        Rule::Others,
    ];

    /// Its name in a refusal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Rule::Format => "format",
            Rule::Order => "order",
            Rule::Request => "request",
            Rule::Table => "table",
            Rule::Outcome => "outcome",
            Rule::Report => "report",
            Rule::Slots => "slots",
            Rule::Errno => "errno",
            Rule::Stale => "stale",
            Rule::Name => "name",
            Rule::Listing => "listing",
            Rule::Same => "same",
            Rule::Number => "number",
            Rule::Dead => "dead",
            Rule::Within => "within",
            Rule::Mount => "mount",
            Rule::System => "system",
            Rule::Others => "others",
        }
    }

    /// Why it holds, and where in the model it comes from.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Rule::Format => "what is not described in the format may change what the rest means",
            Rule::Order => "a walk is begun, makes its requests, and ends",
            Rule::Request => {
                "the machine decides what is asked, and the same replies make it ask the same"
            }
            Rule::Table => {
                "every step is a row of the table, and no reply of a real kernel breaks the word"
            }
            Rule::Outcome => "the machine decides how a walk ends",
            Rule::Report => "the report follows from requests and replies (G6)",
            Rule::Slots => {
                "the machine gives a slot that is free, uses what is open, and holds at most \
                 max_open_dirs + 3 (G8)"
            }
            Rule::Errno => {
                "an errno that has an answer of its own is that answer (E.1 to E.4), and every call has \
                 some that it cannot give (world/answer.rs)"
            }
            Rule::Stale => {
                "only a file server forgets directories (Dialect::nfs in world.rs); where positions are \
                 kept, files are local"
            }
            Rule::Name => {
                "a name in a listing is not empty, `.` or `..`, and has no slash and no NUL"
            }
            Rule::Listing => {
                "in one pass a name comes once, or again at another place; behind the end there is \
                 nothing (`read_name` in world/answer.rs, `ended` in world/effect.rs)"
            }
            Rule::Same => "an open directory stays the same directory (world.rs, Cursor::dir)",
            Rule::Number => {
                "a number is given again only when its directory is dead and not open (`next_dir` in \
                 world/effect.rs)"
            }
            Rule::Dead => {
                "what was removed has no name any more, and in it nothing is read, opened or removed \
                 (`gone` in world/answer.rs)"
            }
            Rule::Within => {
                "no directory is its own child or its own parent (`is_beneath` in world.rs)"
            }
            Rule::Mount => {
                "openat2 with RESOLVE_NO_XDEV stops at mounts, and `..` of what is no mount point crosses \
                 none (`open` in world/answer.rs, `above` in world/effect.rs)"
            }
            Rule::System => {
                "whether mounts can be told apart is a property of the system (Dialect in world.rs)"
            }
            Rule::Others => {
                "who only removes makes nothing, moves nothing and mounts nothing (`remove` in \
                 adversary.rs)"
            }
        }
    }
}
