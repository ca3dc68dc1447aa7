//! The command `fell-model`.
use fell_model::*;
fn main() {
    let n: u8 = std::env::args().nth(1).unwrap().parse().unwrap();
    let b: u8 = std::env::args().nth(2).unwrap().parse().unwrap();
    let names: Vec<String> = std::env::args().skip(3).collect();
    let adv = Adversary::ALL.into_iter().filter(|a| names.iter().any(|n| n == a.name() || n == "all"));
    let mut c = Check::new().entries(n).adversaries(adv);
    c = if b == 255 { c.unlimited() } else { c.budget(b) };
    if names.iter().any(|n| n == "exact") { c = c.exactly(); }
    if names.iter().any(|n| n == "two") { c = c.two_walkers(); }
    if names.iter().any(|n| n == "loose") { c = c.limits(Config::LOOSE); }
    if names.iter().any(|n| n == "nfs") { c = c.on(Dialect::NFS); }
    if names.iter().any(|n| n == "bad") { c = c.on(Dialect::LOCAL.unpleasant()); }
    if names.iter().any(|n| n == "immovable") { c = c.from(Start::Immovable); }
    match c.run() {
        Ok(s) => println!("{s:?}"),
        Err(e) => println!("{e}"),
    }
}
