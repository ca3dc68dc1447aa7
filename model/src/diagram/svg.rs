//! The state diagram.
//!
//! Where the states stand and how the arrows bend is written here by hand; which arrows there are,
//! how many arms each stands for and which are bold is not. An arrow of the table that has no place
//! here, and a place here that has no arrow in the table, end in a panic.

use super::{tables, walk};
use fell::machine::{Arm, StateName, TABLE};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A state's place.
struct Node {
    state: StateName,
    x: i32,
    y: i32,
    width: i32,
    height: i32,
    /// What is done in it.
    doing: &'static str,
}

const NODES: [Node; 6] = [
    node(StateName::Strip, 620, 120, "unlink files, note directories"),
    node(StateName::Descend, 190, 450, "open and compare a child"),
    node(StateName::Retry, 620, 450, "open the root by its name"),
    node(StateName::Ascend, 1050, 450, "close, or go up by “..”"),
    node(
        StateName::RemoveEmpty,
        620,
        780,
        "rmdir the child or the root",
    ),
    Node {
        state: StateName::Done,
        x: 860,
        y: 600,
        width: 136,
        height: 64,
        doing: "close what is held",
    },
];

const fn node(state: StateName, x: i32, y: i32, doing: &'static str) -> Node {
    Node {
        state,
        x,
        y,
        width: 216,
        height: 88,
        doing,
    }
}

/// An arrow's place: a cubic curve, and where its label stands.
struct Place {
    from: StateName,
    to: StateName,
    curve: [(i32, i32); 4],
    label: (i32, i32),
    anchor: &'static str,
    /// What it stands for, in a few words, and the arms that bear them out.
    words: &'static str,
    arms: &'static [Arm],
}

const PLACES: [Place; 18] = [
    Place {
        from: StateName::Retry,
        to: StateName::Strip,
        curve: [(620, 406), (620, 340), (620, 240), (620, 164)],
        label: (632, 290),
        anchor: "start",
        words: "root entered",
        arms: &[Arm::RetryInspected, Arm::RetryEntered],
    },
    Place {
        from: StateName::Strip,
        to: StateName::Descend,
        curve: [(512, 108), (330, 108), (186, 230), (186, 406)],
        label: (190, 200),
        anchor: "middle",
        words: "a directory\nis noted",
        arms: &[Arm::StripEnd, Arm::StripFull],
    },
    Place {
        from: StateName::Descend,
        to: StateName::Strip,
        curve: [(236, 406), (246, 270), (360, 150), (512, 136)],
        label: (328, 266),
        anchor: "start",
        words: "entered",
        arms: &[Arm::DescendEntered],
    },
    Place {
        from: StateName::Strip,
        to: StateName::Ascend,
        curve: [(728, 120), (900, 120), (1036, 230), (1036, 406)],
        label: (1040, 200),
        anchor: "middle",
        words: "cleared,\nor gone",
        arms: &[Arm::StripEnd, Arm::StripGone],
    },
    Place {
        from: StateName::Strip,
        to: StateName::RemoveEmpty,
        curve: [(536, 164), (336, 290), (336, 610), (536, 736)],
        label: (370, 566),
        anchor: "end",
        words: "given away,\nor too deep",
        arms: &[Arm::StripEnd, Arm::StripFull],
    },
    Place {
        from: StateName::RemoveEmpty,
        to: StateName::Strip,
        curve: [(566, 736), (400, 610), (400, 290), (566, 164)],
        label: (458, 366),
        anchor: "start",
        words: "read on",
        arms: &[Arm::ChildRemoved, Arm::ChildTurned],
    },
    Place {
        from: StateName::Descend,
        to: StateName::Ascend,
        curve: [(88, 406), (20, -104), (1220, -104), (1152, 406)],
        label: (620, 10),
        anchor: "middle",
        words: "the last child vanished",
        arms: &[Arm::DescendVanished],
    },
    Place {
        from: StateName::Descend,
        to: StateName::Retry,
        curve: [(298, 450), (370, 450), (440, 450), (512, 450)],
        label: (306, 440),
        anchor: "start",
        words: "loop",
        arms: &[Arm::DescendLooped],
    },
    Place {
        from: StateName::Descend,
        to: StateName::RemoveEmpty,
        curve: [(166, 494), (166, 690), (310, 806), (512, 806)],
        label: (256, 742),
        anchor: "end",
        words: "not enterable",
        arms: &[Arm::DescendUnopenable, Arm::DescendMounted],
    },
    Place {
        from: StateName::RemoveEmpty,
        to: StateName::Descend,
        curve: [(512, 778), (340, 768), (222, 650), (214, 494)],
        label: (300, 646),
        anchor: "start",
        words: "next child,\nor again",
        arms: &[Arm::ChildRemoved, Arm::ChildAgain],
    },
    Place {
        from: StateName::Ascend,
        to: StateName::RemoveEmpty,
        curve: [(1076, 494), (1076, 690), (930, 806), (728, 806)],
        label: (996, 742),
        anchor: "start",
        words: "in the parent",
        arms: &[Arm::AscendClosed, Arm::AscendLeft],
    },
    Place {
        from: StateName::RemoveEmpty,
        to: StateName::Ascend,
        curve: [(728, 778), (900, 768), (1018, 650), (1026, 494)],
        label: (884, 720),
        anchor: "end",
        words: "the last child",
        arms: &[Arm::ChildRemoved],
    },
    Place {
        from: StateName::Ascend,
        to: StateName::Retry,
        curve: [(942, 450), (870, 450), (800, 450), (728, 450)],
        label: (835, 440),
        anchor: "middle",
        words: "the way is lost",
        arms: &[Arm::AscendMoved, Arm::AscendGone],
    },
    Place {
        from: StateName::Ascend,
        to: StateName::Done,
        curve: [(976, 494), (976, 550), (960, 600), (928, 600)],
        label: (960, 540),
        anchor: "end",
        words: "root kept",
        arms: &[Arm::AscendEmptied],
    },
    Place {
        from: StateName::RemoveEmpty,
        to: StateName::Retry,
        curve: [(644, 736), (644, 660), (644, 570), (644, 494)],
        label: (654, 596),
        anchor: "start",
        words: "another pass",
        arms: &[Arm::RootAgain, Arm::RootCut],
    },
    Place {
        from: StateName::Retry,
        to: StateName::RemoveEmpty,
        curve: [(596, 494), (596, 570), (596, 660), (596, 736)],
        label: (584, 612),
        anchor: "end",
        words: "one rmdir\ndecides",
        arms: &[Arm::RetryDropped, Arm::RetryReplaced],
    },
    Place {
        from: StateName::RemoveEmpty,
        to: StateName::Done,
        curve: [(704, 736), (712, 694), (846, 704), (848, 632)],
        label: (752, 660),
        anchor: "end",
        words: "root\nremoved",
        arms: &[Arm::RootRemoved],
    },
    Place {
        from: StateName::Retry,
        to: StateName::Done,
        curve: [(700, 494), (730, 530), (770, 550), (810, 568)],
        label: (752, 524),
        anchor: "start",
        words: "absent",
        arms: &[Arm::RetryAbsent],
    },
];

const STYLE: &str = "
  svg { font-family: system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif; }
  .paper { fill: #ffffff; }
  .box { fill: #f3f6f9; stroke: #57606a; stroke-width: 1.5; }
  .done { fill: #e4f4ec; }
  .name { font-size: 22px; font-weight: 600; fill: #1c2128; text-anchor: middle; }
  .doing { font-size: 14px; fill: #424a53; text-anchor: middle; }
  .stay { font-size: 13px; fill: #6b747d; text-anchor: middle; }
  .label { font-size: 15px; fill: #24292f; stroke: #ffffff; stroke-width: 5; stroke-linejoin: round; paint-order: stroke; }
  .count { fill: #6b747d; }
  .arrow { fill: none; stroke: #8c959f; stroke-width: 1.5; }
  .again { stroke: #c4690c; }
  .plain { stroke: #0a7f5a; stroke-width: 4; }
  .tip { fill: #8c959f; }
  .tip-again { fill: #c4690c; }
  .tip-plain { fill: #0a7f5a; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117; }
    .box { fill: #1b222b; stroke: #8b949e; }
    .done { fill: #12301f; }
    .name { fill: #f0f3f6; }
    .doing { fill: #b8c0c9; }
    .stay, .count { fill: #939ca6; }
    .label { fill: #dfe5eb; stroke: #0d1117; }
    .arrow { stroke: #747d87; }
    .again { stroke: #e39343; }
    .plain { stroke: #37c08d; }
    .tip { fill: #747d87; }
    .tip-again { fill: #e39343; }
    .tip-plain { fill: #37c08d; }
  }
";

/// The three kinds of arrow: their class, and what the legend says.
const KINDS: [(&str, &str); 3] = [
    ("plain", "taken by a plain walk"),
    ("again", "starts at the root again"),
    ("", "all others"),
];

/// The whole drawing.
pub(super) fn drawing() -> String {
    let arrows = arrows();
    let plain = walk::arrows();
    let mut out = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"40 -20 1180 920\" role=\"img\">\n\
         <title>The states of the walker, and how they follow one another</title>\n",
    );
    let _ = writeln!(out, "<style>{STYLE}</style>\n<defs>");
    for (class, _) in KINDS {
        let (id, size) = if class == "plain" {
            ("plain", 4)
        } else {
            (class, 8)
        };
        let tip = if id.is_empty() {
            "tip".to_owned()
        } else {
            format!("tip-{id}")
        };
        let _ = writeln!(
            out,
            "<marker id=\"to{id}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"{size}\" \
             markerHeight=\"{size}\" orient=\"auto\"><path class=\"{tip}\" d=\"M0 0.5 10 5 0 9.5z\"/></marker>"
        );
    }
    out.push_str("</defs>\n<rect class=\"paper\" x=\"40\" y=\"-20\" width=\"1180\" height=\"920\" rx=\"16\"/>\n");
    // The bold ones last, so that they lie on top.
    let mut places: Vec<&Place> = PLACES.iter().collect();
    places.sort_by_key(|place| plain.contains(&(place.from, place.to)));
    for place in &places {
        let class = kind(place, plain.contains(&(place.from, place.to)));
        out.push_str(&curve(class, place.curve));
    }
    out.push_str(&start());
    for place in places {
        out.push_str(&label(place, arrows[&(place.from, place.to)].len()));
    }
    for node in &NODES {
        let stay = arrows.get(&(node.state, node.state)).map_or(0, Vec::len);
        out.push_str(&state(node, stay));
    }
    out.push_str(&legend());
    out.push_str("</svg>\n");
    out
}

/// The arrows of the table with the arms they stand for. Broken words are left out: each leads
/// from its state to Done.
fn arrows() -> BTreeMap<(StateName, StateName), Vec<Arm>> {
    let mut arrows: BTreeMap<_, Vec<Arm>> = BTreeMap::new();
    for row in TABLE.iter().filter(|row| !row.is_broken_word()) {
        for &next in row.next {
            arrows.entry((row.state, next)).or_default().push(row.arm);
        }
    }
    for &(from, to) in arrows.keys() {
        let placed = PLACES.iter().any(|p| (p.from, p.to) == (from, to));
        assert!(from == to || placed, "{from:?} to {to:?} has no place");
    }
    for place in &PLACES {
        let Place { from, to, arms, .. } = place;
        let of_arrow = arrows.get(&(*from, *to));
        let true_words = of_arrow.is_some_and(|of| arms.iter().all(|arm| of.contains(arm)));
        assert!(true_words, "{from:?} to {to:?} is not for {arms:?}");
    }
    assert!(
        NODES
            .iter()
            .all(|node| tables::STATES.contains(&node.state))
    );
    arrows
}

fn kind(place: &Place, plain: bool) -> &'static str {
    match (plain, place.to) {
        (true, _) => "plain",
        (false, StateName::Retry) => "again",
        (false, _) => "",
    }
}

fn curve(class: &str, [a, b, c, d]: [(i32, i32); 4]) -> String {
    format!(
        "<path class=\"arrow {class}\" marker-end=\"url(#to{class})\" d=\"M{} {}C{} {} {} {} {} {}\"/>\n",
        a.0, a.1, b.0, b.1, c.0, c.1, d.0, d.1
    )
}

/// The words, a line each; the number of arms stands at the end of the last.
fn label(place: &Place, arms: usize) -> String {
    let (x, y) = place.label;
    let words = place
        .words
        .replace('\n', &format!("</tspan><tspan x=\"{x}\" dy=\"18\">"));
    let anchor = place.anchor;
    format!(
        "<text class=\"label\" text-anchor=\"{anchor}\"><tspan x=\"{x}\" y=\"{y}\">{words}</tspan>\
         <tspan class=\"count\" dx=\"5\">· {arms}</tspan></text>\n"
    )
}

/// Where every walk begins.
fn start() -> String {
    let mut out = String::from("<circle class=\"tip-plain\" cx=\"572\" cy=\"352\" r=\"7\"/>\n");
    out.push_str(&curve(
        "plain",
        [(572, 352), (572, 370), (572, 385), (572, 406)],
    ));
    out
}

fn state(node: &Node, stay: usize) -> String {
    let Node {
        state,
        x,
        y,
        width,
        height,
        doing,
    } = node;
    let done = if *state == StateName::Done {
        " done"
    } else {
        ""
    };
    let (left, top) = (x - width / 2, y - height / 2);
    let mut out = format!(
        "<rect class=\"box{done}\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" rx=\"14\"/>\n\
         <text class=\"name\" x=\"{x}\" y=\"{}\">{state:?}</text>\n\
         <text class=\"doing\" x=\"{x}\" y=\"{}\">{doing}</text>\n",
        top + if done.is_empty() { 32 } else { 28 },
        top + if done.is_empty() { 54 } else { 49 },
    );
    if done.is_empty() {
        let _ = writeln!(
            out,
            "<text class=\"stay\" x=\"{x}\" y=\"{}\">{stay} arms stay</text>",
            top + 75
        );
    }
    out
}

fn legend() -> String {
    let mut out = String::new();
    for (class, words, x) in [
        (KINDS[0].0, KINDS[0].1, 80),
        (KINDS[1].0, KINDS[1].1, 330),
        (KINDS[2].0, KINDS[2].1, 600),
    ] {
        out.push_str(&curve(
            class,
            [(x, 868), (x + 15, 868), (x + 30, 868), (x + 46, 868)],
        ));
        let _ = writeln!(
            out,
            "<text class=\"label\" x=\"{}\" y=\"873\">{words}</text>",
            x + 58
        );
    }
    out.push_str(
        "<text class=\"label\" x=\"770\" y=\"873\"><tspan class=\"count\">· n</tspan><tspan dx=\"6\">the number of arms in the table</tspan></text>\n",
    );
    out
}
