//! The Explorer: the drawings are well-formed and show what they should, and the server answers.

use fell_model::Law;
use fell_model::config::Config;
use fell_model::explore::{Explored, serve};
use fell_model::scaling;
use fell_model::suite::entries;
use stateright::{Model, Path};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

fn config(name: &str) -> Config {
    let found = entries()
        .into_iter()
        .find(|entry| entry.config.name == name);
    found.unwrap().config
}

/// The drawing after a path: from the last initial state, each time the first act whose words begin
/// so.
fn drawn(model: &Explored, words: &[&str]) -> String {
    let begin = model.init_states().pop().unwrap();
    let mut at = begin.clone();
    let mut acts = Vec::new();
    for word in words {
        let mut all = Vec::new();
        model.actions(&at, &mut all);
        let names: Vec<_> = all.iter().map(|told| told.words.clone()).collect();
        let told = all.into_iter().find(|told| told.words.starts_with(word));
        let told = told.unwrap_or_else(|| panic!("no {word} in {names:?}"));
        at = model.next_state(&at, told.clone()).unwrap();
        acts.push(told);
    }
    let path = Path::from_actions(model, begin, &acts).unwrap();
    model.as_svg(path).unwrap()
}

/// What a drawing says, a text each.
fn texts(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let all = document
        .descendants()
        .filter(|n| n.has_tag_name(("http://www.w3.org/2000/svg", "text")));
    all.map(|node| node.text().unwrap_or_default().to_owned())
        .collect()
}

/// Into a directory that has one, and somebody moves it away.
const MOVED: [&str; 10] = [
    "walker 0: open the root's parent",
    "walker 0: identify",
    "walker 0: open the root",
    "walker 0: identify",
    "walker 0: inspect",
    "walker 0: read 1=root: a, a directory",
    "walker 0: open a",
    "walker 0: identify",
    "walker 0: read 2=#4",
    "mover: rename root/a to outside/d",
];

#[test]
fn every_state_on_a_way_is_well_formed() {
    let model = Explored::new(config("all, 2 by 2"));
    for length in 0..=MOVED.len() {
        assert!(!texts(&drawn(&model, &MOVED[..length])).is_empty());
    }
}

#[test]
fn a_drawing_shows_slots_names_and_the_last_act() {
    let model = Explored::new(config("all, 2 by 2"));
    let svg = drawn(&model, &MOVED);
    let texts = texts(&svg);
    for text in [
        "10. mover: rename root/a to outside/d",
        "root#3 in slot 1 › #4 in slot 2",
        "patience 1 of 1",
        "root #3",
        "d #4",
        "canary",
        "noted",
        "0",
        "1",
        "2",
    ] {
        assert!(texts.iter().any(|t| t == text), "no {text:?} in {texts:?}");
    }
    // What went and what came.
    assert_eq!(svg.matches("<rect class='halo'").count(), 3);
    assert!(svg.contains("class='edge way0 lost'"));
}

#[test]
fn two_walkers_and_what_cannot_be_removed_are_drawn() {
    let two = Explored::new(config("two, removers"));
    let texts_of_two = texts(&drawn(&two, &["walker 1"]));
    assert!(texts_of_two.iter().any(|t| t == "walker 1: Retry"));
    for name in ["immovable", "odd roots"] {
        let model = Explored::new(config(name));
        for begin in model.init_states() {
            let path = Path::from_actions(&model, begin, &Vec::new()).unwrap();
            texts(&model.as_svg(path).unwrap());
        }
    }
}

#[test]
fn the_laws_are_all_but_the_one_about_the_whole_graph() {
    let mut here: Vec<_> = names(&Explored::new(config("alone")));
    let mut there: Vec<_> = Law::ALL
        .into_iter()
        .filter(|&law| law != Law::T3)
        .map(Law::name)
        .collect();
    here.sort_unstable();
    there.sort_unstable();
    assert_eq!(here, there);
}

fn names<M: Model>(model: &M) -> Vec<&'static str> {
    model.properties().iter().map(|p| p.name).collect()
}

/// stateright wants a number, so a free one is found first; the server ends with the test.
#[test]
fn the_server_answers() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    std::thread::spawn(move || serve(config("alone"), address));
    let answer = get(address, "/.states/0");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("walker 0: open the root's parent"));
    assert!(answer.contains("<svg"));
}

fn get(address: SocketAddr, path: &str) -> String {
    let begin = Instant::now();
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(error) if begin.elapsed() > Duration::from_secs(10) => panic!("{error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn an_address_that_is_taken_is_an_error() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap();
    assert!(serve(config("alone"), address).is_err());
}

#[test]
fn the_scaling_table_is_fresh() {
    assert_eq!(scaling::stale(2).unwrap(), Vec::<String>::new());
}
