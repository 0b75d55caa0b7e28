//! From the files of a pack to typed rules with their indexes, or to a list of all that is wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use toml::{Table, Value};

use super::examples::{self, Example};
use super::reader::{Errors, Fields, PackError, Problem, knowledge};
use super::tariff::RawTable;
use super::{
    ChargeRule, ClaimTerm, ConsumptionTax, DataRule, Deposit, DescriptionRule, ExchangeRule, Fee, FxSample, Knowledge,
    Lane, Levy, Limit, PositiveList, PreAlertRule, Preference, RateFrom, RateTable, Regime, Relief, Restriction,
    ReturnRule, RiskRule, RuleId, RuleIndex, RuleInfo, RuleKind, Rulebook, StockMoveRule, Tariff, TaxBase, Term,
    Tolerance, TradeField, Words, charge, digest, lane, plan,
};
use crate::codes::Country;
use crate::money::Currency;
use crate::rate_card::RateCard;
use crate::time::Days;

/// The largest file of a pack: a national tariff of 9,000 lines stays well below.
pub(super) const MOST_BYTES: usize = 2_000_000;

/// The lists of a rule pack and of a lane, with the kind of rule that each holds.
pub(super) const KINDS: [(&str, RuleKind); 24] = [
    ("limit", RuleKind::Limit),
    ("tax-base", RuleKind::TaxBase),
    ("charge", RuleKind::Charge),
    ("positive-list", RuleKind::PositiveList),
    ("tariff", RuleKind::Tariff),
    ("consumption-tax", RuleKind::ConsumptionTax),
    ("assumption", RuleKind::Assumption),
    ("restriction", RuleKind::Restriction),
    ("risk", RuleKind::Risk),
    ("tolerance", RuleKind::Tolerance),
    ("description", RuleKind::Description),
    ("data", RuleKind::Data),
    ("term", RuleKind::Term),
    ("stock-move", RuleKind::StockMove),
    ("pre-alert", RuleKind::PreAlert),
    ("return", RuleKind::Return),
    ("rate-card", RuleKind::RateCard),
    ("fee", RuleKind::Fee),
    ("fx", RuleKind::Fx),
    ("relief", RuleKind::Relief),
    ("rate-table", RuleKind::RateTable),
    ("preference", RuleKind::Preference),
    ("exchange", RuleKind::Exchange),
    ("deposit", RuleKind::Deposit),
];

/// What every rule has, as read.
#[derive(Clone)]
pub(super) struct Common {
    pub info: Arc<RuleInfo>,
}

/// A text in three languages.
pub(crate) fn words(f: &mut Fields<'_>, key: &str) -> Option<Words> {
    let mut inner = f.table(key)?;
    let (en, ms, zh) = (inner.text("en"), inner.text("ms"), inner.text("zh"));
    inner.finish();
    Some(Words { en: en?, ms: ms?, zh: zh? })
}

/// What every rule has: an id that begins with `prefix`, a name, the days on which it holds, its source and how well
/// it is known.
pub(crate) fn rule_info(f: &mut Fields<'_>, kind: RuleKind, prefix: &str, states: &[Knowledge]) -> Option<RuleInfo> {
    let id = f.text("id");
    if let Some(id) = &id {
        f.rule.clone_from(id);
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-';
        if !id.starts_with(prefix) || id.len() > 80 || !id.bytes().all(allowed) {
            f.error("id", Problem::NotACode { got: id.clone() });
        }
    }
    let name = words(f, "name");
    let valid_from = f.date("valid-from");
    let valid_to = f.optional("valid-to", Fields::date);
    if let (Some(from), Some(to)) = (valid_from, valid_to)
        && to < from
    {
        f.error("valid-to", Problem::EndsBeforeItStarts { from, to });
    }
    let source = f.text("source");
    let known = knowledge(f, states);
    let (id, (confidence, knowledge)) = (id?, known?);
    Some(RuleInfo {
        id: RuleId::from(id.as_str()),
        kind,
        name: name?,
        note: None,
        valid_from: valid_from?,
        valid_to,
        source: source?.into(),
        confidence,
        knowledge,
        file: f.file.to_owned(),
    })
}

/// Reads what every rule has. Ids begin with the pack's prefix, `cn.` or `my-cn.`.
fn common(f: &mut Fields<'_>, kind: RuleKind, prefix: &str) -> Option<Common> {
    let note = f.optional("note", words);
    let info = rule_info(f, kind, prefix, &Knowledge::ALL)?;
    Some(Common { info: Arc::new(RuleInfo { note, ..info }) })
}

/// The files in order of name with line ends as `\n`: what the digest is over.
fn canonical(files: &[(&str, &str)], errors: &Errors) -> Vec<(String, String)> {
    let mut canonical: Vec<(String, String)> =
        files.iter().map(|(name, text)| ((*name).to_owned(), text.replace("\r\n", "\n"))).collect();
    canonical.sort();
    for pair in canonical.windows(2) {
        if pair[0].0 == pair[1].0 {
            errors.push(&pair[0].0, "", "", Problem::Duplicate { got: pair[0].0.clone() });
        }
    }
    for (name, text) in &canonical {
        if text.len() > MOST_BYTES {
            errors.push(name, "", "", Problem::TooLarge { got: text.len(), most: MOST_BYTES });
        }
    }
    canonical
}

fn parse<'a>(files: &'a [(String, String)], errors: &Errors) -> Vec<(&'a str, Table)> {
    files
        .iter()
        .filter(|(_, text)| text.len() <= MOST_BYTES)
        .filter_map(|(name, text)| match text.parse::<Table>() {
            Ok(table) => Some((name.as_str(), table)),
            Err(error) => {
                errors.push(name, "", "", Problem::NotToml { detail: error.to_string() });
                None
            }
        })
        .collect()
}

/// The head of a pack or a lane, which stands in exactly one of its files.
fn head<'a>(tables: &mut [(&'a str, Table)], key: &str, errors: &'a Errors) -> Option<Fields<'a>> {
    let mut found = None;
    for (file, table) in tables {
        match table.remove(key) {
            None => {}
            Some(_) if found.is_some() => errors.push(file, key, key, Problem::Duplicate { got: key.to_owned() }),
            Some(Value::Table(head)) => found = Some(Fields::new(file, key.to_owned(), head, errors)),
            Some(_) => errors.push(file, key, key, Problem::WrongType { expected: "table".into() }),
        }
    }
    if found.is_none() && errors.is_empty() {
        errors.push("", key, key, Problem::Missing);
    }
    found
}

/// Calls `read` for every rule of every list, in order of file name, list name and place.
fn each_rule<'a>(
    tables: Vec<(&'a str, Table)>,
    kinds: &[RuleKind],
    errors: &'a Errors,
    mut read: impl FnMut(RuleKind, Fields<'a>),
) {
    for (file, table) in tables {
        for (key, value) in table {
            let kind = KINDS.iter().find(|(name, kind)| *name == key && kinds.contains(kind));
            let Some((_, kind)) = kind else {
                errors.push(file, "", &key, Problem::UnknownField);
                continue;
            };
            let Value::Array(items) = value else {
                errors.push(file, "", &key, Problem::WrongType { expected: "list of tables".into() });
                continue;
            };
            for (i, item) in items.into_iter().enumerate() {
                let place = format!("{key} {}", i + 1);
                let Value::Table(table) = item else {
                    errors.push(file, &place, "", Problem::WrongType { expected: "table".into() });
                    continue;
                };
                let id = table.get("id").and_then(Value::as_str).map_or(place, str::to_owned);
                read(*kind, Fields::new(file, id, table, errors).of_list(&key));
            }
        }
    }
}

/// What a pack holds while it is read.
#[derive(Default)]
struct Gathered {
    infos: Vec<Arc<RuleInfo>>,
    /// What each rule rules: two for the same thing may not hold on the same day.
    subjects: Vec<(String, Arc<RuleInfo>)>,
    examples: Vec<Example>,
    limits: Vec<Limit>,
    bases: Vec<TaxBase>,
    charges: Vec<ChargeRule>,
    rate_tables: Vec<RateTable>,
    exchange: Vec<ExchangeRule>,
    preferences: Vec<Preference>,
    lists: Vec<PositiveList>,
    tables: Vec<RawTable>,
    consumption: BTreeMap<RuleId, Vec<ConsumptionTax>>,
    restrictions: Vec<Restriction>,
    risks: Vec<RiskRule>,
    tolerances: Vec<Tolerance>,
    descriptions: Vec<DescriptionRule>,
    data: Vec<DataRule>,
    stock_moves: Vec<StockMoveRule>,
    pre_alerts: Vec<PreAlertRule>,
    quote_validity: Vec<Term>,
    claim_window: Vec<Term>,
    balance_due: Vec<Term>,
    reliefs: Vec<Relief>,
    deposits: Vec<Deposit>,
    claim_terms: Vec<(ClaimTerm, Term)>,
    returns: Vec<ReturnRule>,
    rate_cards: Vec<RateCard>,
    fees: Vec<Fee>,
    fx: Vec<FxSample>,
}

/// In which currencies amounts are read: a pack has one, a lane two.
#[derive(Clone, Copy)]
pub(super) struct Currencies {
    pub export: Currency,
    pub import: Currency,
}

impl Gathered {
    fn read(&mut self, kind: RuleKind, mut f: Fields<'_>, prefix: &str, money: Currencies) {
        let examples = f.tables("example");
        if let Some(common) = common(&mut f, kind, prefix) {
            let info = common.info.clone();
            self.infos.push(info.clone());
            if let Some(subject) = self.read_kind(kind, &mut f, &common, money) {
                self.subjects.push((subject, info.clone()));
            }
            if examples.is_empty() && kind != RuleKind::Description {
                f.error("example", Problem::NoExample);
            }
            for (i, example) in examples.into_iter().enumerate() {
                self.examples.extend(examples::read(kind, &info, i + 1, example, money));
            }
            f.finish();
        }
    }

    /// Reads what is particular to a kind. Gives what the rule rules, where only one may.
    fn read_kind(&mut self, kind: RuleKind, f: &mut Fields<'_>, common: &Common, money: Currencies) -> Option<String> {
        let currency = money.import;
        match kind {
            RuleKind::Limit => {
                let limit = Limit::read(f, common, currency)?;
                let subject = format!("limit {:?} {:?}", limit.regime, limit.scope);
                self.limits.push(limit);
                Some(subject)
            }
            RuleKind::TaxBase => {
                let base = TaxBase::read(f, common)?;
                let subject = format!("tax-base {:?}", base.regime);
                self.bases.push(base);
                Some(subject)
            }
            RuleKind::Charge => {
                self.charges.push(ChargeRule::read(f, common, currency)?);
                None
            }
            RuleKind::RateTable => {
                self.rate_tables.push(RateTable::read(f, common)?);
                None
            }
            RuleKind::Preference => {
                self.preferences.push(Preference::read(f, common)?);
                None
            }
            RuleKind::PositiveList => {
                self.lists.push(PositiveList::read(f, common)?);
                None
            }
            RuleKind::Tariff => {
                self.tables.push(RawTable::read(f, common.clone())?);
                None
            }
            RuleKind::ConsumptionTax => {
                let tax = ConsumptionTax::read(f, common, currency)?;
                self.consumption.entry(tax.info.id.clone()).or_default().push(tax);
                None
            }
            RuleKind::Assumption => None,
            RuleKind::Restriction => {
                self.restrictions.push(Restriction::read(f, common, currency)?);
                None
            }
            RuleKind::Risk => {
                self.risks.push(RiskRule::read(f, common, currency)?);
                None
            }
            RuleKind::Tolerance => {
                let tolerance = Tolerance::read(f, common)?;
                let subject = format!("tolerance {}", tolerance.field.code());
                self.tolerances.push(tolerance);
                Some(subject)
            }
            RuleKind::Description => {
                self.descriptions.push(DescriptionRule::read(f, common, currency)?);
                None
            }
            RuleKind::Data => {
                self.data.push(DataRule::read(f, common, currency)?);
                None
            }
            RuleKind::StockMove => {
                let rule = StockMoveRule::read(f, common)?;
                let subject = format!("stock-move {} {}", rule.from.code(), rule.to.code());
                self.stock_moves.push(rule);
                Some(subject)
            }
            RuleKind::PreAlert => {
                self.pre_alerts.push(PreAlertRule::read(f, common, currency)?);
                Some("pre-alert".to_owned())
            }
            RuleKind::Term => {
                let own = [("quote-validity", None), ("claim-window", None), ("balance-due", None)];
                let of_claims = ClaimTerm::ALL.map(|(name, term)| (name, Some(term)));
                let names: Vec<_> = own.into_iter().chain(of_claims).map(|(name, of)| (name, (name, of))).collect();
                let known = f.one_of("term", &names);
                let days = f.integer("days", 1, 3_660);
                let term = Term { info: common.info.clone(), days: Days(days?) };
                let (name, of_claims) = known?;
                match of_claims {
                    Some(which) => self.claim_terms.push((which, term)),
                    None if name == "quote-validity" => self.quote_validity.push(term),
                    None if name == "claim-window" => self.claim_window.push(term),
                    None => self.balance_due.push(term),
                }
                Some(format!("term {name}"))
            }
            RuleKind::Return => {
                let rule = ReturnRule::read(f, common)?;
                let subject = format!("return {:?}", rule.matter);
                self.returns.push(rule);
                Some(subject)
            }
            RuleKind::Relief => {
                self.reliefs.push(Relief::read(f, common, currency)?);
                None
            }
            RuleKind::Exchange => {
                let rule = ExchangeRule::read(f, common, currency)?;
                let subject = format!("exchange {}", rule.rate.from);
                self.exchange.push(rule);
                Some(subject)
            }
            RuleKind::Deposit => {
                let deposit = Deposit::read(f, common)?;
                let subject = format!("deposit {:?}", deposit.regime);
                self.deposits.push(deposit);
                Some(subject)
            }
            RuleKind::RateCard => {
                let card = lane::read_rate_card(f, common, money.export)?;
                let subject = format!("rate-card {}", card.service);
                self.rate_cards.push(card);
                Some(subject)
            }
            RuleKind::Fee => {
                let fee = lane::read_fee(f, common, money)?;
                let subject = format!("fee {:?}", fee.side);
                self.fees.push(fee);
                Some(subject)
            }
            RuleKind::Fx => {
                self.fx.push(lane::read_fx(f, common, money)?);
                Some("fx".to_owned())
            }
            // Of other packs than those of a territory or a lane; each_rule gives none of them.
            RuleKind::Ask | RuleKind::Battery | RuleKind::Liquid | RuleKind::Agreement | RuleKind::Criterion => None,
        }
    }

    /// All versions of each rule by date; reports versions, and rules for one thing, that overlap.
    fn index(&mut self, errors: &Errors) -> RuleIndex {
        let index = super::index_of(self.infos.drain(..));
        index.values().for_each(|versions| report_overlaps(versions, errors));
        let mut subjects: BTreeMap<String, Vec<Arc<RuleInfo>>> = BTreeMap::new();
        for (subject, info) in self.subjects.drain(..) {
            subjects.entry(subject).or_default().push(info);
        }
        for rules in subjects.values_mut() {
            rules.sort_by_key(|info| info.valid_from);
            // versions of one rule were reported above
            if rules.windows(2).any(|pair| pair[0].id != pair[1].id) {
                report_overlaps(rules, errors);
            }
        }
        index
    }

    /// Builds the tariff; reports rows of one code that hold on the same day.
    fn tariff(&mut self, index: &RuleIndex, errors: &Errors) -> Tariff {
        let consumption: Vec<Vec<ConsumptionTax>> = std::mem::take(&mut self.consumption).into_values().collect();
        let assumption = |id: &str| {
            let newest = index.get(id)?.last()?;
            (newest.kind == RuleKind::Assumption).then(|| newest.clone())
        };
        let mut rows = Vec::new();
        for table in self.tables.drain(..) {
            let info = table.common.info.clone();
            let error = |field: &str, problem| errors.push(&info.file, &info.id, field, problem);
            rows.extend(table.resolve(&consumption, assumption, error));
        }
        rows.sort_by_key(|row| (row.hs6, row.table.valid_from));
        for pair in rows.windows(2) {
            let (a, b) = (&pair[0], &pair[1]);
            if a.hs6 == b.hs6 && a.table.valid_to.is_none_or(|to| to >= b.table.valid_from) {
                let problem = Problem::Overlaps { with: a.table.id.to_string(), on: b.table.valid_from };
                errors.push(&b.table.file, &b.table.id, &format!("rows {:06}", b.hs6), problem);
            }
        }
        Tariff { rows, consumption }
    }
}

pub(crate) fn report_overlaps(by_date: &[Arc<RuleInfo>], errors: &Errors) {
    for pair in by_date.windows(2) {
        let (a, b) = (&pair[0], &pair[1]);
        if a.valid_to.is_none_or(|to| to >= b.valid_from) {
            let problem = Problem::Overlaps { with: format!("{} ({})", a.id, a.file), on: b.valid_from };
            errors.push(&b.file, &b.id, "valid-from", problem);
        }
    }
}

pub(super) fn rulebook(files: &[(&str, &str)]) -> Result<Rulebook, Vec<PackError>> {
    let errors = Errors::default();
    rulebook_into(files, &errors).ok_or_else(|| errors.into_vec())
}

pub(super) fn rulebook_into(files: &[(&str, &str)], errors: &Errors) -> Option<Rulebook> {
    let (book, examples) = unproved(files, errors)?;
    for example in &examples {
        examples::check_in_book(example, &book, errors);
    }
    errors.is_empty().then_some(book)
}

/// A pack with its examples, which nobody has worked yet.
pub(super) fn unproved(files: &[(&str, &str)], errors: &Errors) -> Option<(Rulebook, Vec<Example>)> {
    let files = canonical(files, errors);
    let (mut book, examples) = build_rulebook(&files, errors).filter(|_| errors.is_empty())?;
    book.files = files;
    Some((book, examples))
}

fn build_rulebook(files: &[(String, String)], errors: &Errors) -> Option<(Rulebook, Vec<Example>)> {
    let mut tables = parse(files, errors);
    let mut pack = head(&mut tables, "pack", errors)?;
    let territory = pack.parsed::<Country>("territory");
    let currency = pack.parsed::<Currency>("currency");
    let zone = pack.text("zone").and_then(|name| match TimeZone::get(&name) {
        Ok(zone) => Some(zone),
        Err(_) => {
            pack.error("zone", Problem::NotACode { got: name });
            None
        }
    });
    let name = words(&mut pack, "name");
    let members = charge::countries(&mut pack, "members");
    let runs_a_hub = pack.optional("runs-a-hub", Fields::flag).unwrap_or(true);
    let place = pack.file.to_owned();
    pack.finish();
    let (territory, currency) = (territory?, currency?);

    let prefix = format!("{}.", territory.as_str().to_ascii_lowercase());
    let money = Currencies { export: currency, import: currency };
    let kinds: Vec<RuleKind> = KINDS.iter().map(|(_, kind)| *kind).filter(|kind| !of_a_lane(*kind)).collect();
    let mut found = Gathered::default();
    each_rule(tables, &kinds, errors, |kind, fields| found.read(kind, fields, &prefix, money));
    let rules = found.index(errors);
    let tariff = found.tariff(&rules, errors);

    for (n, tolerance) in found.tolerances.iter().enumerate() {
        // A match goes by one tolerance, whenever its documents came.
        if found.tolerances[..n].iter().any(|earlier| earlier.info.id == tolerance.info.id) {
            let got = tolerance.field.code().to_owned();
            errors.push(&tolerance.info.file, &tolerance.info.id, "field", Problem::Duplicate { got });
        }
    }
    for (field, wanted) in TradeField::ALL {
        if runs_a_hub && !found.tolerances.iter().any(|tolerance| tolerance.field == wanted) {
            errors.push(&place, "tolerance", field, Problem::Missing);
        }
    }
    for (term, found) in [("quote-validity", &found.quote_validity), ("claim-window", &found.claim_window)] {
        if found.is_empty() {
            errors.push(&place, "term", term, Problem::Missing);
        }
    }
    if found.quote_validity.is_empty() || found.claim_window.is_empty() {
        return None;
    }
    for terms in [&mut found.quote_validity, &mut found.claim_window] {
        terms.sort_by_key(|term| term.info.valid_from);
    }
    let mut book = Rulebook {
        territory,
        members,
        runs_a_hub,
        currency,
        zone: zone?,
        name: name?,
        digest: digest(files),
        quote_validity: found.quote_validity,
        claim_window: found.claim_window,
        balance_due: found.balance_due,
        claim_terms: found.claim_terms,
        returns: found.returns,
        limits: found.limits,
        reliefs: found.reliefs,
        deposits: found.deposits,
        bases: found.bases,
        charges: found.charges,
        tables: found.rate_tables,
        exchange: found.exchange,
        preferences: found.preferences,
        lists: found.lists,
        tariff,
        restrictions: found.restrictions,
        risks: found.risks,
        descriptions: found.descriptions,
        data: found.data,
        stock_moves: found.stock_moves,
        pre_alerts: found.pre_alerts,
        tolerances: found.tolerances,
        plans: Vec::new(),
        rules,
        files: Vec::new(),
    };
    tables_are_there(&book, errors);
    book.plans = plan::plans(&book, errors);
    Some((book, found.examples))
}

/// Every table that a charge or a preference names stands in the pack.
fn tables_are_there(book: &Rulebook, errors: &Errors) {
    let of_charges = book.charges.iter().filter_map(|rule| match &rule.levy {
        Levy::Rate { from: RateFrom::Table(id), .. } => Some((&rule.info, id)),
        _ => None,
    });
    let of_preferences = book.preferences.iter().filter_map(|rule| Some((&rule.info, rule.table()?)));
    for (info, id) in of_charges.chain(of_preferences) {
        if !book.tables.iter().any(|table| table.info.id == *id) {
            errors.push(&info.file, &info.id, "table", Problem::NoSuchRule { got: id.to_string() });
        }
    }
}

const fn of_a_lane(kind: RuleKind) -> bool {
    matches!(kind, RuleKind::RateCard | RuleKind::Fee | RuleKind::Fx)
}

pub(super) fn lane(files: &[(&str, &str)]) -> Result<Lane, Vec<PackError>> {
    let errors = Errors::default();
    lane_into(files, &errors).ok_or_else(|| errors.into_vec())
}

pub(super) fn lane_into(files: &[(&str, &str)], errors: &Errors) -> Option<Lane> {
    let files = canonical(files, errors);
    let (mut lane, examples) = build_lane(&files, errors).filter(|_| errors.is_empty())?;
    for example in &examples {
        examples::check_in_lane(example, &lane, errors);
    }
    lane.files = files;
    errors.is_empty().then_some(lane)
}

fn build_lane(files: &[(String, String)], errors: &Errors) -> Option<(Lane, Vec<Example>)> {
    let mut tables = parse(files, errors);
    let mut head = head(&mut tables, "lane", errors)?;
    let from = head.parsed::<Country>("from");
    let to = head.parsed::<Country>("to");
    let regime = head.one_of("regime", &Regime::ALL);
    let export = head.parsed::<Currency>("export-currency");
    let import = head.parsed::<Currency>("import-currency");
    head.finish();
    let (from, to) = (from?, to?);
    let money = Currencies { export: export?, import: import? };

    let prefix = format!("{from}-{to}.").to_ascii_lowercase();
    let kinds: Vec<RuleKind> = KINDS.iter().map(|(_, kind)| *kind).filter(|kind| of_a_lane(*kind)).collect();
    let mut found = Gathered::default();
    each_rule(tables, &kinds, errors, |kind, fields| found.read(kind, fields, &prefix, money));
    let rules = found.index(errors);
    let lane = Lane {
        from,
        to,
        regime: regime?,
        export_currency: money.export,
        import_currency: money.import,
        digest: digest(files),
        rate_cards: found.rate_cards,
        fees: found.fees,
        fx: found.fx,
        rules,
        files: Vec::new(),
    };
    Some((lane, found.examples))
}

/// The day from which worked examples are taken where they name none: the first day of the rule.
pub(super) fn day_of(example: &mut Fields<'_>, info: &RuleInfo) -> Option<Date> {
    if example.has("date") { example.date("date") } else { Some(info.valid_from) }
}
