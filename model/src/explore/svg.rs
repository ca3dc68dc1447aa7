//! The drawing of a state: what the last act was, where the walkers are, and the trees.

use super::scene::{Held, Item, Scene, What, noted, scene};
use super::{State, Told};
use crate::config::Config;
use crate::words::{asks, letter};
use crate::world::WALKERS;
use core::fmt::Write;

/// Room around everything.
const MARGIN: usize = 24;
/// How high a box is.
const BOX: usize = 36;
/// How wide a box is.
const WIDE: usize = 76;
/// How high the line of the last act is.
const TITLE: usize = 44;
/// How high what is said of one walker is.
const CARD: usize = 112;
/// How wide a drawing is at least: what is said of a walker must fit.
const WIDTH: usize = 900;

/// The colours; one of its own for each walker. Orange is what the last act changed.
const STYLE: &str = "
.fx{font:15px 'DejaVu Sans',Verdana,sans-serif;fill:#1b1f24}
.fx .b{font-weight:bold} .fx .s{font-size:12px;fill:#57606a} .fx .m{text-anchor:middle}
.fx .edge{stroke:#9aa4ae;stroke-width:1.5;fill:none} .fx .way0{stroke:#0a58ca;stroke-width:5}
.fx .way1{stroke:#7b2cbf;stroke-width:5}
.fx .lost{stroke-dasharray:9 6;stroke-width:3}
.fx .box{fill:#fff;stroke:#57606a;stroke-width:1.5} .fx .file{fill:#eef1f4}
.fx .gone{fill:none;stroke-dasharray:4 3} .fx .at0{stroke:#0a58ca;stroke-width:3}
.fx .at1{stroke:#7b2cbf;stroke-width:3} .fx .here0{fill:#cfe2ff} .fx .here1{fill:#e9d8fd}
.fx .halo{fill:#ffe0b3;stroke:#e8590c;stroke-width:2}
.fx .slot0{fill:#0a58ca} .fx .slot1{fill:#7b2cbf} .fx .fresh{stroke:#e8590c;stroke-width:3}
.fx .closed{fill:#fff;stroke:#e8590c;stroke-width:2;stroke-dasharray:3 2}
.fx .n{fill:#fff;font-size:13px;font-weight:bold;text-anchor:middle} .fx .x{fill:#e8590c}
.fx .note0{fill:#fff3bf;stroke:#0a58ca} .fx .note1{fill:#fff3bf;stroke:#7b2cbf}
";

/// The drawing of the last state of a path; nothing of an empty one.
pub(super) fn drawing(config: &Config, path: &[(State, Option<Told>)]) -> Option<String> {
    let (last, before) = path.split_last()?;
    let now = &last.0;
    let before = before.last();
    let scene = scene(now, before.map(|(state, _)| state));
    let walkers = now.walkers().count();
    let top = TITLE + walkers * CARD + 2 * MARGIN;
    let width = (scene.width + 2 * MARGIN).max(WIDTH);
    let height = top + scene.height + MARGIN;
    let mut pen = Pen(String::new());
    pen.put(&format!(
        "<svg xmlns='http://www.w3.org/2000/svg' class='fx' viewBox='0 0 {width} {height}' \
         width='100%' style='max-width:{width}px'><style>{STYLE}</style>\
         <rect width='{width}' height='{height}' fill='#fff'/>"
    ));
    let title = before
        .and_then(|(_, told)| told.as_ref())
        .map_or("the beginning", |told| &told.words);
    pen.put(&format!(
        "<rect class='halo' x='1' y='1' width='{}' height='{TITLE}'/>",
        width - 2
    ));
    let acts = match now.budget {
        State::UNLIMITED => "others act for ever".to_owned(),
        left => format!("acts of others left: {left}"),
    };
    pen.text("b", MARGIN, 29, &format!("{}. {title}", path.len() - 1));
    pen.text("s", width - 170, 29, &acts);
    for (who, _) in now.walkers() {
        pen.walker(config, now, who, TITLE + who * CARD);
    }
    pen.tree(&scene, top);
    pen.legend(height - 12);
    pen.put("</svg>");
    Some(pen.0)
}

/// What is drawn so far.
struct Pen(String);

impl Pen {
    fn put(&mut self, svg: &str) {
        self.0.push_str(svg);
        self.0.push('\n');
    }

    fn text(&mut self, class: &str, x: usize, y: usize, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        self.put(&format!(
            "<text class='{class}' x='{x}' y='{y}'>{text}</text>"
        ));
    }

    /// What a walker is about, in four lines.
    fn walker(&mut self, config: &Config, now: &State, who: usize, top: usize) {
        let walker = now.walker(who);
        let state = walker.state().name();
        let x = MARGIN;
        self.put(&format!(
            "<circle class='slot{who}' cx='{}' cy='{}' r='7'/>",
            x + 7,
            top + 23
        ));
        let ends = match walker.outcome() {
            Some(outcome) => format!(": {outcome:?}"),
            None => String::new(),
        };
        self.text(
            "b",
            x + 22,
            top + 28,
            &format!("walker {who}: {state:?}{ends}"),
        );
        let patience = format!(
            "patience {} of {}{}",
            walker.patience(),
            config.limits.patience,
            if walker.patience_spent() {
                ", spent"
            } else {
                ""
            }
        );
        self.text("", x + 460, top + 28, &patience);
        let asked = match walker.request() {
            Some(request) => asks(&now.world, who, &request),
            None => "nothing: it is over".to_owned(),
        };
        let lines = [
            ("asks", asked),
            ("way", way(now, who)),
            ("noted", names(now, who)),
        ];
        for ((what, said), y) in lines.iter().zip((top + 52..).step_by(22)) {
            self.text("s", x + 22, y, what);
            self.text("", x + 76, y, said);
        }
    }

    fn tree(&mut self, scene: &Scene, top: usize) {
        for item in &scene.items {
            if let Some(parent) = item.parent {
                self.line("edge", &scene.items[parent], item, top);
            }
        }
        for who in 0..WALKERS {
            self.way(scene, who, top);
        }
        for item in &scene.items {
            self.item(item, top);
        }
    }

    /// The line from a directory to an entry.
    fn line(&mut self, class: &str, from: &Item, to: &Item, top: usize) {
        let (x, y) = (MARGIN + from.x, top + from.y + BOX);
        let (to_x, to_y) = (MARGIN + to.x, top + to.y);
        self.put(&format!(
            "<path class='{class}' d='M{x} {y}L{to_x} {to_y}'/>"
        ));
    }

    /// The same to what is elsewhere: from below, so that it crosses few boxes.
    fn bow(&mut self, class: &str, from: &Item, to: &Item, top: usize) {
        let (x, y) = (MARGIN + from.x, top + from.y + BOX);
        let (to_x, to_y) = (MARGIN + to.x, top + to.y + BOX);
        let low = y.max(to_y) + BOX;
        self.put(&format!(
            "<path class='{class}' d='M{x} {y}Q{to_x} {low} {to_x} {to_y}'/>"
        ));
    }

    /// A walker's way, from level to level; dashed where the world has it no longer.
    fn way(&mut self, scene: &Scene, who: usize, top: usize) {
        let items = &scene.items;
        let at = |level| items.iter().position(|i| i.levels.contains(&(who, level)));
        for level in 1..items.len() {
            match (at(level - 1), at(level)) {
                (Some(from), Some(to)) if items[to].parent == Some(from) => {
                    self.line(&format!("edge way{who}"), &items[from], &items[to], top);
                }
                (Some(from), Some(to)) => {
                    self.bow(
                        &format!("edge way{who} lost"),
                        &items[from],
                        &items[to],
                        top,
                    );
                }
                _ => {}
            }
        }
    }

    fn item(&mut self, item: &Item, top: usize) {
        let (x, y) = (MARGIN + item.x, top + item.y);
        let left = x - WIDE / 2;
        if item.changed {
            self.rect("halo", (left - 6, y - 6), (WIDE + 12, BOX + 12), 10);
        }
        let mut class = match item.what {
            What::Directory => "box".to_owned(),
            What::File | What::Link => "box file".to_owned(),
            What::Removed | What::Nothing => "box gone".to_owned(),
        };
        // Writing to a string cannot fail.
        if let Some((who, _)) = item.levels.first() {
            let _ = write!(class, " at{who}");
        }
        if let Some(who) = item.here {
            let _ = write!(class, " here{who}");
        }
        let round = match item.what {
            What::File | What::Link | What::Nothing => 0,
            What::Directory | What::Removed => 10,
        };
        self.rect(&class, (left, y), (WIDE, BOX), round);
        let label = match item.what {
            What::File => format!("{} file", item.label),
            What::Link => format!("{} link", item.label),
            What::Nothing => format!("{} gone", item.label),
            What::Directory | What::Removed => item.label.clone(),
        };
        let size = if label.len() > 8 { "m s" } else { "m" };
        self.text(size, x, y + 23, &label);
        for (tag, down) in item.tags.iter().zip((y + BOX + 14..).step_by(13)) {
            self.text("m s", x, down, tag);
        }
        for &who in &item.noted {
            self.rect(&format!("note{who}"), (left - 8, y - 9), (46, 17), 4);
            self.text("s", left - 4, y + 4, "noted");
        }
        for (held, right) in item.held.iter().zip((left + WIDE - 4..).step_by(25)) {
            self.slot(*held, right, y);
        }
    }

    /// The number of a slot, at the directory that is held in it.
    fn slot(&mut self, held: Held, x: usize, y: usize) {
        let Held { who, slot, .. } = held;
        let (class, number) = match (held.closed, held.fresh) {
            (true, _) => ("closed".to_owned(), "n x"),
            (_, true) => (format!("slot{who} fresh"), "n"),
            (_, false) => (format!("slot{who}"), "n"),
        };
        self.put(&format!(
            "<circle class='{class}' cx='{x}' cy='{y}' r='11'/>"
        ));
        self.text(number, x, y + 5, &slot.to_string());
    }

    fn rect(&mut self, class: &str, (x, y): (usize, usize), size: (usize, usize), round: usize) {
        self.put(&format!(
            "<rect class='{class}' x='{x}' y='{y}' width='{}' height='{}' rx='{round}'/>",
            size.0, size.1
        ));
    }

    fn legend(&mut self, y: usize) {
        let text = "thick: a walker's way, dashed where it is lost · filled: where it is · \
                    circles: slots · dashed box: gone or removed · orange: the last act";
        self.text("s", MARGIN, y, text);
    }
}

/// A walker's levels, outermost first.
fn way(now: &State, who: usize) -> String {
    let levels = now
        .walker(who)
        .levels()
        .iter()
        .enumerate()
        .map(|(n, level)| {
            let name = if n == 0 { "root" } else { "" };
            let slot = match level.slot {
                Some(slot) => format!(" in slot {}", slot.0),
                None => " (not held)".to_owned(),
            };
            format!("{name}#{}{slot}", level.inode.number)
        });
    let levels: Vec<String> = levels.collect();
    if levels.is_empty() {
        "not in the tree".to_owned()
    } else {
        levels.join(" › ")
    }
}

/// What a walker has noted, outermost first.
fn names(now: &State, who: usize) -> String {
    let names: Vec<String> = noted(now, who)
        .iter()
        .map(|(dir, name)| format!("{} in #{}", letter(*name), dir.0))
        .collect();
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}
