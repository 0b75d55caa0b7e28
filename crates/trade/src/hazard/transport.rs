//! The rules of a way of transport, as tested data: what is asked of which goods, and how they then go.

use std::sync::Arc;

use jiff::civil::Date;
use toml::Table;

use super::named::Named;
use super::{Battery, Chemistry, Hazards, Liquid, LiquidForm, PackedHow};
use crate::codes::HsCode;
use crate::money::parse_fixed;
use crate::readiness::{BatteryDetail, Gap, HsClaim};
use crate::rulebook::{
    Errors, Fields, Knowledge, Mode, PackError, Problem, RuleId, RuleInfo, RuleKind, Words, digest, listed, one_file,
    one_file_into, report_overlaps, rule_info, single, words,
};

/// By what goods go on a lane, and the rules of all ways of transport.
#[derive(Clone, Copy, Debug)]
pub struct Carriage<'a> {
    pub transports: &'a [Transport],
    /// None where nobody says; then every way's rules are asked.
    pub mode: Option<Mode>,
}

impl Carriage<'_> {
    /// Goods of which it is not known how they go, under no rules.
    pub const UNRULED: Carriage<'static> = Carriage { transports: &[], mode: None };

    /// What stands in the way, or has to be told, of goods that go so.
    #[must_use]
    pub fn gaps(&self, hs: &HsClaim, description: &str, hazards: Hazards, date: Date) -> Vec<Gap> {
        let applies = |transport: &&Transport| self.mode.is_none_or(|mode| transport.modes.contains(&mode));
        let code = if let HsClaim::Code(code) = hs { Some(code) } else { None };
        self.transports.iter().filter(applies).flat_map(|t| t.gaps(code, description, hazards, date)).collect()
    }
}

/// The rules of one way of transport.
#[derive(Clone, Debug)]
pub struct Transport {
    pub id: String,
    pub modes: Vec<Mode>,
    pub name: Words,
    /// SHA-256 over its file, in lower-case hex.
    pub digest: Arc<str>,
    asks: Vec<Ask>,
    batteries: Vec<BatteryRule>,
    liquids: Vec<LiquidRule>,
    /// As loaded, by name: what the digest is over.
    pub files: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fact {
    Battery,
    Liquid,
}

/// For which goods a fact has to be known.
#[derive(Clone, Debug)]
struct Ask {
    rule: Arc<RuleInfo>,
    fact: Fact,
    hs_in: Vec<String>,
    named: Named,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Force {
    Mandatory,
    Advised,
}

#[derive(Clone, Copy, Debug)]
struct ChargeLimit {
    most: u8,
    /// Binds batteries of more energy than this, in thousandths of a watt-hour.
    above: i64,
    force: Force,
}

/// How a kind of battery goes.
#[derive(Clone, Debug)]
struct BatteryRule {
    rule: Arc<RuleInfo>,
    un: String,
    chemistry: Chemistry,
    packed: PackedHow,
    instruction: Option<String>,
    passenger_aircraft: bool,
    charge: Option<ChargeLimit>,
    /// Up to this energy less is asked (section II), in thousandths of a watt-hour.
    small: Option<i64>,
}

#[derive(Clone, Debug)]
struct LiquidRule {
    rule: Arc<RuleInfo>,
}

impl Transport {
    /// Reads the rules of one way and works their examples.
    ///
    /// # Errors
    /// All that is wrong, each with rule and field.
    pub fn load(file: &str, text: &str) -> Result<Self, Vec<PackError>> {
        one_file(file, text, read)
    }

    pub(crate) fn load_into(file: &str, text: &str, errors: &Errors) -> Option<Self> {
        one_file_into(file, text, errors, read)
    }

    /// Every rule and version, by kind, in the order of the file.
    pub fn rules(&self) -> impl Iterator<Item = &Arc<RuleInfo>> {
        let asks = self.asks.iter().map(|ask| &ask.rule);
        asks.chain(self.batteries.iter().map(|b| &b.rule)).chain(self.liquids.iter().map(|l| &l.rule))
    }

    /// Whether a fact is called for by what is known of goods, their description in lower case.
    fn asks_for(&self, fact: Fact, hs: Option<&HsCode>, description: &str, date: Date) -> Option<&RuleId> {
        let of_code = |ask: &Ask| hs.is_some_and(|hs| ask.hs_in.iter().any(|prefix| hs.is_under(prefix)));
        let mut asks = self.asks.iter().filter(|ask| ask.fact == fact && ask.rule.holds_on(date));
        asks.find(|ask| of_code(ask) || ask.named.stand_in(description)).map(|ask| &ask.rule.id)
    }

    fn gaps(&self, hs: Option<&HsCode>, description: &str, hazards: Hazards, date: Date) -> Vec<Gap> {
        let mut gaps = Vec::new();
        let text = if hazards.battery.is_none() || hazards.liquid.is_none() {
            description.to_lowercase()
        } else {
            String::new()
        };
        match hazards.battery {
            None => {
                let asked = self.asks_for(Fact::Battery, hs, &text, date);
                gaps.extend(asked.map(|rule| Gap::BatteryUnknown { rule: rule.clone() }));
            }
            Some(battery) => self.battery_gaps(battery, date, &mut gaps),
        }
        match hazards.liquid {
            None => {
                let asked = self.asks_for(Fact::Liquid, hs, &text, date);
                gaps.extend(asked.map(|rule| Gap::LiquidUnknown { rule: rule.clone() }));
            }
            Some(liquid) => self.liquid_gaps(liquid, date, &mut gaps),
        }
        gaps
    }

    fn battery_gaps(&self, battery: Battery, date: Date, gaps: &mut Vec<Gap>) {
        let of_kind = |rule: &&BatteryRule| rule.chemistry == battery.chemistry && rule.rule.holds_on(date);
        let mut rules = self.batteries.iter().filter(of_kind);
        let Some(packed) = battery.packed else {
            // Whichever way it is packed a rule holds; which one is the question.
            let first = rules.next().map(|rule| rule.rule.id.clone());
            gaps.extend(first.map(|rule| Gap::BatteryDetailMissing { rule, missing: BatteryDetail::Packed }));
            return;
        };
        let Some(found) = rules.find(|rule| rule.packed == packed) else { return };
        let rule = || found.rule.id.clone();
        let lacks = |missing| Gap::BatteryDetailMissing { rule: rule(), missing };
        if let Some(limit) = found.charge {
            match (battery.milliwatt_hours, battery.charge) {
                (None, _) if limit.above > 0 || found.small.is_some() => gaps.push(lacks(BatteryDetail::WattHours)),
                (Some(energy), _) if energy <= limit.above => {}
                (_, None) => gaps.push(lacks(BatteryDetail::Charge)),
                (_, Some(got)) if got > limit.most => gaps.push(match limit.force {
                    Force::Mandatory => Gap::ChargeTooHigh { got, most: limit.most, rule: rule() },
                    Force::Advised => Gap::ChargeAdvised { got, most: limit.most, rule: rule() },
                }),
                _ => {}
            }
        }
        let small = found.small.zip(battery.milliwatt_hours).is_some_and(|(most, energy)| energy <= most);
        let (un, instruction) = (found.un.clone(), found.instruction.clone());
        gaps.push(Gap::BatteryGoesAs { un: un.clone(), instruction, small, rule: rule() });
        if !found.passenger_aircraft {
            gaps.push(Gap::NotOnPassengerAircraft { un, rule: rule() });
        }
    }

    fn liquid_gaps(&self, liquid: Liquid, date: Date, gaps: &mut Vec<Gap>) {
        let Some(found) = self.liquids.iter().find(|one| one.rule.holds_on(date)) else { return };
        let rule = found.rule.id.clone();
        match (liquid.form, liquid.flammable) {
            (LiquidForm::None, _) | (LiquidForm::Liquid, Some(false)) => {}
            (LiquidForm::Liquid, None) => gaps.push(Gap::LiquidUnknown { rule }),
            (LiquidForm::Aerosol, _) | (LiquidForm::Liquid, Some(true)) => gaps.push(Gap::FlammableGoods { rule }),
        }
    }
}

fn read(file: &str, mut table: Table, text: &str, errors: &Errors) -> Option<Transport> {
    let [head, asks, batteries, liquids] =
        ["transport", "ask", "battery", "liquid"].map(|key| (key, table.remove(key)));
    for key in table.keys() {
        errors.push(file, "", key, Problem::UnknownField);
    }
    let mut head = single(file, head.0, head.1, errors)?;
    let id = head.text("id");
    let modes = head.many_of("mode", &Mode::ALL);
    if modes.is_empty() {
        head.error("mode", Problem::Missing);
    }
    let name = words(&mut head, "name");
    head.finish();
    let id = id?;
    let mut transport = Transport {
        modes,
        name: name?,
        digest: digest(&[(file.to_owned(), text.to_owned())]),
        asks: Vec::new(),
        batteries: Vec::new(),
        liquids: Vec::new(),
        files: vec![(file.to_owned(), text.to_owned())],
        id,
    };
    let prefix = format!("{}.", transport.id);
    let mut examples = Vec::new();
    for (kind, (key, value)) in
        [RuleKind::Ask, RuleKind::Battery, RuleKind::Liquid].into_iter().zip([asks, batteries, liquids])
    {
        for mut f in listed(file, key, value, errors) {
            let own = f.tables("example");
            let read = rule_info(&mut f, kind, &prefix, &[Knowledge::Sourced, Knowledge::Unverified]).map(Arc::new);
            if own.is_empty() {
                f.error("example", Problem::NoExample);
            }
            if let Some(rule) = &read {
                examples.extend((1..).zip(own).map(|(number, example)| (rule.clone(), number, example)));
            }
            match (key, read) {
                ("ask", rule) => transport.asks.extend(read_ask(&mut f, rule)),
                ("battery", rule) => transport.batteries.extend(read_battery(&mut f, rule)),
                (_, rule) => transport.liquids.extend(rule.map(|rule| LiquidRule { rule })),
            }
            f.finish();
        }
    }
    let mut by_date: Vec<_> = transport.rules().cloned().collect();
    by_date.sort_by(|a, b| (&a.id, a.valid_from).cmp(&(&b.id, b.valid_from)));
    by_date.chunk_by(|a, b| a.id == b.id).for_each(|versions| report_overlaps(versions, errors));
    if errors.is_empty() {
        for (rule, number, example) in examples {
            work(&rule, number, example, &transport);
        }
    }
    Some(transport)
}

fn read_ask(f: &mut Fields<'_>, rule: Option<Arc<RuleInfo>>) -> Option<Ask> {
    let fact = f.one_of("fact", &[("battery", Fact::Battery), ("liquid", Fact::Liquid)]);
    let hs_in = f.texts("hs-in");
    for got in &hs_in {
        if !(2..=10).contains(&got.len()) || !got.bytes().all(|b| b.is_ascii_digit()) {
            f.error("hs-in", Problem::NotACode { got: got.clone() });
        }
    }
    let named = Named::of(f.texts("words"));
    Some(Ask { rule: rule?, fact: fact?, hs_in, named })
}

/// Watt-hours as text, to thousandths.
fn milliwatt_hours(f: &mut Fields<'_>, key: &str) -> Option<i64> {
    let got = f.text(key)?;
    match parse_fixed(&got, 3) {
        Ok(found) if found > 0 => Some(found),
        _ => {
            f.error(key, Problem::NotAnAmount { got });
            None
        }
    }
}

fn read_battery(f: &mut Fields<'_>, rule: Option<Arc<RuleInfo>>) -> Option<BatteryRule> {
    let un = f.text("un");
    let chemistry = f.one_of("chemistry", &Chemistry::ALL);
    let packed = f.one_of("packed", &PackedHow::ALL);
    let instruction = f.optional("instruction", Fields::text);
    let passenger_aircraft = f.optional("passenger-aircraft", Fields::flag).unwrap_or(true);
    let charge = if f.has("charge-at-most") {
        let most = f.percent("charge-at-most").map(|share| share.as_nano().div_euclid(10_000_000));
        let most = most.and_then(|most| u8::try_from(most).ok());
        let above = f.optional("charge-above-watt-hours", milliwatt_hours).unwrap_or(0);
        let force = f.one_of("charge-force", &[("mandatory", Force::Mandatory), ("advised", Force::Advised)]);
        Some(ChargeLimit { most: most?, above, force: force? })
    } else {
        None
    };
    let small = f.optional("small-watt-hours", milliwatt_hours);
    Some(BatteryRule {
        rule: rule?,
        un: un?,
        chemistry: chemistry?,
        packed: packed?,
        instruction,
        passenger_aircraft,
        charge,
        small,
    })
}

/// Works one example: the codes of what is told of goods, in their order. Under a battery's rule its kind
/// and packing are given.
fn work(rule: &RuleInfo, number: usize, mut f: Fields<'_>, transport: &Transport) {
    f.rule = rule.id.to_string();
    let date = f.optional("date", Fields::date).unwrap_or(rule.valid_from);
    let text = f.optional("text", Fields::text).unwrap_or_default();
    let hs = f.optional("hs", Fields::parsed::<HsCode>);
    let own = transport.batteries.iter().find(|one| one.rule.id == rule.id && one.rule.holds_on(date));
    let stated = f.optional("battery", |f, key| f.one_of(key, &Chemistry::ALL));
    let energy = f.optional("watt-hours", milliwatt_hours);
    let charge = f.optional("charge", |f, key| f.integer(key, 0, 100)).and_then(|n| u8::try_from(n).ok());
    let chemistry = stated.or(own.map(|one| one.chemistry));
    let packed = own.map(|one| one.packed);
    let battery = chemistry.map(|chemistry| Battery { chemistry, packed, milliwatt_hours: energy, charge });
    let form = f.optional("liquid", |f, key| f.one_of(key, &LiquidForm::ALL));
    let flammable = f.optional("flammable", Fields::flag);
    let liquid = form.map(|form| Liquid { form, flammable });
    let mut expected = f.texts("expect");
    let mut got: Vec<String> = transport
        .gaps(hs.as_ref(), &text, Hazards { battery, liquid }, date)
        .iter()
        .map(|gap| crate::command::Problem::of(gap).code)
        .collect();
    expected.sort();
    got.sort();
    if expected != got {
        f.error("example", Problem::ExampleFails { number, expected: expected.join(", "), got: got.join(", ") });
    }
    f.finish();
}
