//! What may stand in an event, in a leaf of the log and in a message of the road: the closed list.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sim::filled::{self, fields};
use sim::generator::{Generator, Plan, buyers};
use sim::memory::MemoryHub;
use sim::play::{open, play};
use sim::random::Random;
use sim::scene::Scene;
use trade::event::{Event, Happened};
use trade::log::Hash;
use trade::party::{Personal, PersonalField, PersonalValue, RegisterParty};
use trade::road::{
    GiveBack, GivenBack, Kept, NewEpoch, Receipt, RoadMark, RoadState, WitnessAnswer, WitnessQuestion, WitnessedHead,
};
use trade::time::WallTime;

const LIST: &str = include_str!("fields.txt");
/// What a field may be. Among these is none for a person's values.
const KINDS: [&str; 10] = ["code", "number", "time", "id", "hub", "proof", "firm", "goods", "place", "office"];

/// The list as it is written: each section with its fields and what they are.
struct List {
    sections: BTreeMap<&'static str, Vec<(&'static str, &'static str)>>,
    told: BTreeSet<&'static str>,
}

impl List {
    fn read() -> Self {
        let mut list = Self { sections: BTreeMap::new(), told: BTreeSet::new() };
        let mut section = "";
        for line in LIST.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(heading) = line.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
                section = heading.trim_end_matches(" >");
                if section != heading {
                    list.told.insert(section);
                }
                assert!(list.sections.insert(section, Vec::new()).is_none(), "{section} stands twice");
            } else {
                let (field, what) = line.split_once(' ').expect("a field and what it is");
                list.sections.get_mut(section).expect("a heading comes first").push((field, what));
            }
        }
        list
    }

    /// All paths of a section, with those of the nouns that it names.
    fn paths(&self, section: &str) -> BTreeSet<String> {
        let mut paths = BTreeSet::new();
        for (field, what) in self.sections.get(section).unwrap_or_else(|| panic!("{section} is not on the list")) {
            if what.starts_with(char::is_uppercase) {
                paths.extend(self.paths(what).iter().map(|below| format!("{field}.{below}")));
            } else {
                // A leaf of the log is bytes here; what it holds is on the list by its kind.
                assert!(KINDS.contains(what) || *what == "event", "{section}: {field} is {what}, which may not leave");
                paths.insert((*field).to_owned());
            }
        }
        paths
    }

    /// The paths of an event that are not on the list.
    fn outside(&self, event: &Event) -> Vec<String> {
        let kind = event.what.kind();
        let mut allowed = self.paths("event");
        allowed.insert("what.kind".to_owned());
        allowed.extend(self.paths(&kind).iter().map(|path| format!("what.{path}")));
        fields(event).difference(&allowed).map(|path| format!("{kind}: {path}")).collect()
    }
}

#[test]
fn every_field_of_every_event_is_listed_and_every_listed_field_is_some_events() {
    let list = List::read();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in filled::events() {
        assert_eq!(list.outside(&event), Vec::<String>::new());
        let mut of_this = fields(&event.what);
        of_this.remove("kind");
        found.entry(event.what.kind()).or_default().extend(of_this);
    }
    for (kind, of_kind) in &found {
        assert_eq!(&list.paths(kind), of_kind, "{kind}");
    }
    let kinds =
        list.sections.keys().filter(|s| !s.starts_with(char::is_uppercase) && !s.contains('/') && **s != "event");
    assert_eq!(kinds.collect::<Vec<_>>(), found.keys().collect::<Vec<_>>(), "no kind is listed that cannot happen");
}

#[test]
fn a_field_that_is_not_listed_is_found_in_a_leaf() {
    let list = List::read();
    let mut quote = filled::quote();
    let given = |quote| Event { what: Happened::QuoteGiven { quote: Box::new(quote) }, ..filled::events().remove(0) };
    assert!(quote.asked_by.is_some());
    assert_eq!(list.outside(&given(quote.clone())), ["quote-given: what.quote.asked_by"]);
    quote.asked_by = None;
    assert!(list.outside(&given(quote)).is_empty());
}

#[test]
fn every_field_of_every_message_of_the_road_is_listed() {
    let list = List::read();
    let mut scene = Scene::new();
    open(&mut scene, 1, &mut Random::new(1));
    let (kul, hgh) = (&scene.kul, &scene.hgh);
    let note = kul.head();
    // The second batch has a proof of consistency; the first begins at nothing.
    let batch = kul.batch(&hgh.site.id, 1, 2);
    assert!(!batch.entries.is_empty() && !batch.consistency.is_empty());
    assert_eq!(fields(&batch), list.paths("road/batch"));

    let seen = RoadState { seen: Some(note.clone()), ..RoadState::opened(kul.site.card.clone()) };
    let at = WallTime::from_micros(hgh.now.micros());
    let receipt = |refusal| Receipt::issue(&hgh.site.road, &seen, refusal, at).unwrap();
    let mut found = fields(&receipt(None));
    for refusal in filled::road_refusals(&note) {
        found.extend(fields(&receipt(Some(refusal))));
    }
    assert_eq!(found, list.paths("road/receipt"));

    let heads = vec![WitnessedHead { head: note.clone(), consistency: vec![Hash::of(b"x")] }];
    let roads = vec![RoadMark { peer: hgh.site.id.clone(), next_seq: 1 }];
    let (hub, mode, epoch) = (kul.site.id.clone(), kul.site.mode, kul.site.road.epoch);
    let (operator, signature) = ("pty_1".to_owned(), batch.signature);
    let statement =
        NewEpoch { hub, mode, epoch, kept: note, heads, lost_from: 1, lost_to: 2, operator, at, roads, signature };
    assert_eq!(fields(&statement), list.paths("road/new-epoch"));

    // Asking a witness, and what it gives back: no refusal goes with it.
    let (from, to) = (kul.site.id.clone(), hgh.site.id.clone());
    let question = WitnessQuestion { from: from.clone(), to: to.clone(), received: 1 };
    assert_eq!(fields(&question), list.paths("road/witness-question"));
    let answer = WitnessAnswer { receipt: receipt(None), head: seen.seen.clone() };
    assert_eq!(fields(&answer), list.paths("road/witness-answer"));
    assert_eq!(fields(&GiveBack { from, to, after: 1 }), list.paths("road/give-back"));
    let entries = batch.entries.into_iter().map(|entry| Kept { epoch, size: 9, entry }).collect();
    let given = GivenBack { heads: seen.seen.iter().cloned().collect(), entries };
    assert_eq!(fields(&given), list.paths("road/given-back"));
}

/// Stands in every personal value that is registered; must be found in none that leaves.
const CANARY: &str = "KANARIENVOGEL";

/// A buyer of the scene, with a value in every personal field.
fn with_values(buyer: RegisterParty) -> RegisterParty {
    let fields = [
        PersonalField::Name,
        PersonalField::Email,
        PersonalField::Phone,
        PersonalField::Address,
        PersonalField::IdType,
        PersonalField::IdNumber,
    ];
    let value = |field: PersonalField| PersonalValue {
        value: format!("{CANARY} {}", field.code()),
        salt: [9; 16],
        purpose: "order".to_owned(),
        keep_until: sim::scene::START,
    };
    let fields = fields.into_iter().map(|field| (field, value(field))).collect();
    RegisterParty { personal: Personal { party: buyer.party.id, fields }, ..buyer }
}

#[test]
fn whole_trades_leave_no_personal_value_in_any_leaf_or_batch() {
    let list = List::read();
    let mut scene = Scene::new();
    let mut random = Random::new(5);
    let mut marks = vec![CANARY.to_owned()];
    for buyer in buyers(6) {
        let tags = buyer.party.person.clone().unwrap();
        marks.extend([tags.id.unwrap().to_string(), tags.name.to_string()]);
        scene.hgh.run(with_values(buyer)).unwrap();
    }
    open(&mut scene, 6, &mut random);
    let plans: Vec<Plan> = Generator::new(9, 6, 3).take(60).collect();
    play(&mut scene, &plans, &mut random);
    assert!(scene.hgh.store.personals.values().any(|p| p.get(PersonalField::Name).is_some()), "the values are there");
    let mut kinds = BTreeSet::new();
    for (hub, peer) in [(&scene.kul, &scene.hgh), (&scene.hgh, &scene.kul)] {
        for leaf in &hub.store.leaves {
            let event: Event = serde_json::from_slice(leaf).unwrap();
            assert_eq!(list.outside(&event), Vec::<String>::new());
            let kind = event.what.kind();
            assert!(event.to.is_none() || list.told.contains(kind.as_str()), "{kind} is not for peers");
            kinds.insert(kind);
            assert_unmarked(leaf, &marks);
        }
        for batch in batches(hub, peer) {
            assert_unmarked(batch.to_string().as_bytes(), &marks);
        }
    }
    assert!(kinds.len() > 25, "{kinds:?}");
}

/// Everything that a hub has told its peer, batch by batch.
fn batches(hub: &MemoryHub, peer: &MemoryHub) -> Vec<Value> {
    let told = hub.store.roads.get(&peer.site.id).map_or(0, Vec::len);
    let starts = (0..told).step_by(trade::road::BATCH_MAX_ENTRIES);
    starts
        .map(|after| serde_json::to_value(hub.batch(&peer.site.id, u64::try_from(after).unwrap(), 0)).unwrap())
        .collect()
}

fn assert_unmarked(bytes: &[u8], marks: &[String]) {
    let text = String::from_utf8_lossy(bytes);
    for mark in marks {
        assert!(!text.contains(mark.as_str()), "{mark} in {text}");
    }
}
