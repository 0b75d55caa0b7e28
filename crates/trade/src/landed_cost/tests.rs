use super::*;
use crate::quantity::ContentUnit;
use crate::rulebook::test_books;
use jiff::civil::date;
use proptest::prelude::*;

const COFFEE: &str = "210112";
const TEA: &str = "090230";
const CREAM: &str = "330499";
const SHOES: &str = "640399";
const BAG: &str = "420221";
const WATCH: &str = "910211";

fn china() -> &'static Rulebook {
    test_books().book(Country::CN).expect("there is a pack")
}

fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

fn ml(amount: i64) -> Option<Content> {
    Some(Content::new(amount * 1_000, ContentUnit::Ml))
}

fn line(hs: &str, pieces: i64, value: i64) -> AskLine {
    AskLine { hs: hs.parse().expect("a code"), pieces, value: cny(value), content: None, origin: None, net: None }
}

fn cream(pieces: i64, value: i64, content: Option<Content>) -> AskLine {
    AskLine { content, ..line(CREAM, pieces, value) }
}

fn ask(lines: &[AskLine], freight: i64) -> LandedCostAsk<'_> {
    LandedCostAsk::new(date(2026, 11, 23), Regime::B2cParcel, lines, cny(freight), &Stance::Sandbox)
}

fn cost(lines: &[AskLine], freight: i64) -> Result<LandedCost, LandedCostRefusal> {
    landed_cost(china(), &ask(lines, freight))
}

fn of_kind(cost: &LandedCost, kind: ChargeKind) -> i64 {
    cost.charges.iter().filter(|charge| charge.kind == kind).map(|charge| charge.amount.minor()).sum()
}

/// Duty, consumption tax, VAT, in fen.
fn taxes(lines: &[AskLine], freight: i64) -> Result<(i64, i64, i64), LandedCostRefusal> {
    let cost = cost(lines, freight)?;
    let of = |kind| of_kind(&cost, kind);
    Ok((of(ChargeKind::Duty), of(ChargeKind::ConsumptionTax), of(ChargeKind::Vat)))
}

#[test]
fn the_composite_takes_seven_tenths_of_the_taxes() {
    // on 10,000.00 in parts of 2,000.00 to stay within the limit: 9.1 %, 6.3 %, 28 / 85 × 70 % = 23.0588 %
    assert_eq!(taxes(&[line(COFFEE, 1, 200_000)], 0), Ok((0, 0, 18_200)));
    assert_eq!(taxes(&[line(TEA, 1, 200_000)], 0), Ok((0, 0, 12_600)));
    // 2,000.00 × 23.0588 % = 461.18, cut 15 : 13 into 247.06 and 214.12
    assert_eq!(taxes(&[cream(1, 200_000, ml(50))], 0), Ok((0, 24_706, 21_412)));
}

#[test]
fn the_worked_examples_of_the_facts_come_out() {
    // coffee 100.00 → 9.10; tea 100.00 → 6.30; cream 50 ml at 300.00 + 20.00 = 6.40 a ml → 29.12;
    // serum 30 ml at 450.00 with freight = 15.00 a ml → 103.76
    for (lines, freight, tax) in [
        ([line(COFFEE, 1, 10_000)], 0, 910),
        ([line(TEA, 1, 10_000)], 0, 630),
        ([cream(1, 30_000, ml(50))], 2_000, 2_912),
        ([cream(1, 45_000, ml(30))], 0, 10_376),
        ([cream(1, 43_000, ml(30))], 2_000, 10_376),
    ] {
        let cost = cost(&lines, freight).expect("within the limits");
        assert_eq!(cost.tax, cny(tax), "{lines:?}");
        assert_eq!(cost.total, cny(lines[0].value.minor() + freight + tax), "{lines:?}");
        assert_eq!(cost.treatment, Treatment::WithinLimits);
    }
}

#[test]
fn a_threshold_of_consumption_tax_is_met_from_its_amount_on() {
    let grams = |amount: i64| Some(Content::new(amount * 1_000, ContentUnit::G));
    let sheets = |amount: i64| Some(Content::new(amount * 1_000, ContentUnit::Piece));
    let due = |line: AskLine, freight| taxes(&[line], freight).map(|(_, ct, _)| ct > 0);
    // 30 ml: 300.00 is 10.00 a ml; two of them: 600.00
    assert_eq!(due(cream(1, 30_000, ml(30)), 0), Ok(true));
    assert_eq!(due(cream(1, 29_999, ml(30)), 0), Ok(false));
    assert_eq!(due(cream(2, 60_000, ml(30)), 0), Ok(true));
    assert_eq!(due(cream(2, 59_999, ml(30)), 0), Ok(false));
    // freight lifts it: 290.00 + 10.00
    assert_eq!(due(cream(1, 29_000, ml(30)), 1_000), Ok(true));
    assert_eq!(due(cream(1, 10_000, grams(10)), 0), Ok(true));
    // a box of ten sheets: 15.00 a sheet, not 10.00
    assert_eq!(due(cream(1, 15_000, sheets(10)), 0), Ok(true));
    assert_eq!(due(cream(1, 14_999, sheets(10)), 0), Ok(false));
    // a watch counts by the watch, whatever it holds
    assert_eq!(due(line(WATCH, 1, 999_999), 0), Ok(false));
    assert_eq!(due(line(WATCH, 1, 1_000_000), 0), Ok(true));
}

#[test]
fn a_tax_that_is_not_due_says_why() {
    let cost = cost(&[cream(1, 32_000, ml(50))], 0).expect("within the limits");
    let not_due = cost.charges.iter().find(|charge| charge.kind == ChargeKind::ConsumptionTax);
    let (amount, formula) = not_due.map(|charge| (charge.amount, charge.formula.clone())).expect("it is listed");
    assert!(amount.is_zero());
    assert_eq!(formula, FormulaKind::BelowThreshold { per: Per::Ml, price: cny(640), threshold: cny(1_000) });
}

#[test]
fn the_single_limit_holds_to_the_fen() {
    assert_eq!(cost(&[line(SHOES, 2, 499_000)], 1_000).map(|c| c.treatment), Ok(Treatment::WithinLimits));
    // 5,000.01, one piece: duty 8 % = 400.00; VAT 13 % of 5,400.01 = 702.00
    assert_eq!(taxes(&[line(SHOES, 1, 499_001)], 1_000), Ok((40_000, 0, 70_200)));
    let refused = Err(LandedCostRefusal::OverSingleLimit {
        taxable: cny(500_001),
        limit: cny(500_000),
        rule: "cn.cbec.single-limit".into(),
    });
    assert_eq!(cost(&[line(SHOES, 2, 499_001)], 1_000), refused);
    assert_eq!(cost(&[line(SHOES, 1, 200_000), line(BAG, 1, 299_001)], 1_000), refused);
}

#[test]
fn a_single_piece_over_the_limit_bears_all_taxes_in_full() {
    // watch of 12,000.00: duty 10 % = 1,200.00; 13,200.00 / 0.8 × 20 % = 3,300.00;
    // VAT 13 % of 16,500.00 = 2,145.00
    let watch = [line(WATCH, 1, 1_200_000)];
    assert_eq!(taxes(&watch, 0), Ok((120_000, 330_000, 214_500)));
    let cost = cost(&watch, 0).expect("one piece");
    assert_eq!(cost.treatment, Treatment::OverSingleLimitInFull);
    let shown: Vec<_> = cost.charges.iter().map(|c| (c.kind, c.base, c.rate, c.formula.clone(), &*c.rule)).collect();
    let expected = vec![
        (ChargeKind::Duty, cny(1_200_000), Rate::percent(10), FormulaKind::AdValorem, "cn.tariff.2026"),
        (ChargeKind::ConsumptionTax, cny(1_320_000), Rate::percent(20), FormulaKind::InsideItsBase, "cn.ct.watches"),
        (ChargeKind::Vat, cny(1_650_000), Rate::percent(13), FormulaKind::AdValorem, "cn.tariff.2026"),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn the_yearly_limit_holds_to_the_fen_and_counts_single_pieces() {
    let with_used = |lines: &[AskLine], used| {
        landed_cost(china(), &LandedCostAsk { year_used: Some(cny(used)), ..ask(lines, 0) }).map(|c| c.taxable)
    };
    assert_eq!(with_used(&[line(COFFEE, 1, 10_000)], 2_590_000), Ok(cny(10_000)));
    let refused = |taxable, used| {
        Err(LandedCostRefusal::OverAnnualLimit {
            taxable: cny(taxable),
            used: cny(used),
            limit: cny(2_600_000),
            rule: "cn.cbec.annual-limit".into(),
        })
    };
    assert_eq!(with_used(&[line(COFFEE, 1, 10_001)], 2_590_000), refused(10_001, 2_590_000));
    assert_eq!(with_used(&[line(BAG, 1, 800_000)], 1_800_000), Ok(cny(800_000)));
    assert_eq!(with_used(&[line(BAG, 1, 800_000)], 1_800_001), refused(800_000, 1_800_001));
    assert_eq!(with_used(&[line(COFFEE, 1, 1)], i64::MAX), Err(LandedCostRefusal::AmountTooLarge));
}

#[test]
fn what_nobody_knows_is_refused() {
    let refusal = |hs: &str| cost(&[line(hs, 1, 10_000)], 0).map(|cost| cost.tax);
    let hs = |code: &str| code.parse::<HsCode>().expect("a code");
    // a power bank: in the table, on no list; a fish: in neither
    let list_unknown = |code| Err(LandedCostRefusal::ListUnknown { line: 0, hs: hs(code) });
    assert_eq!(refusal("850760"), list_unknown("850760"));
    assert_eq!(refusal("030617"), list_unknown("030617"));
    // whisky: the specific part of its tax is not known
    let spirits = Some("cn.ct.spirits".into());
    assert_eq!(refusal("220830"), Err(LandedCostRefusal::RateUnknown { line: 0, hs: hs("220830"), rule: spirits }));
    let missing = LandedCostRefusal::ContentMissing { line: 1, hs: hs(CREAM), rule: "cn.ct.cosmetics".into() };
    assert_eq!(cost(&[line(COFFEE, 1, 100), cream(1, 100, None)], 0), Err(missing));
    let regimes = [Regime::BondedB2c, Regime::OverseasWarehouse, Regime::PersonalPost];
    for regime in regimes {
        let lines = [line(COFFEE, 1, 100)];
        let unknown = LandedCostRefusal::RegimeUnknown { territory: Country::CN, regime };
        assert_eq!(landed_cost(china(), &LandedCostAsk { regime, ..ask(&lines, 0) }), Err(unknown));
    }
}

/// China's rules with every file edited.
fn china_with(edit: impl Fn(&str) -> String) -> Result<Rulebook, Vec<crate::rulebook::PackError>> {
    let files: Vec<(String, String)> = china().files().iter().map(|(name, text)| (name.clone(), edit(text))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Rulebook::load(&files)
}

/// China's rules as they would stand if it were known how the two parts of its tax on spirits join: 20 % and CNY 0.50
/// for 500 ml, both inside the base.
fn china_with_spirits() -> Rulebook {
    let refused = |lines: &str| format!("freight = \"0.00\"\nrefusal = \"rate-unknown\"{lines}\n");
    // One bottle of 700 ml at 400.00: 0.70 by volume. Consumption tax (400.00 × 20 % + 0.70) / 0.80 = 100.875; VAT 13 % of
    // 500.875 = 65.11375; 70 % of both: 116.192125 → 116.19, of which VAT 45.579625 → 45.58
    let told = "freight = \"0.00\"\nconsumption-tax = \"70.61\"\nvat = \"45.58\"\ntax = \"116.19\"\n";
    let edited = china_with(|text| {
        let text = text.replace(&refused("\nrefused-by = \"cn.ct.spirits\""), told);
        let at = text.find("id = \"cn.ct.spirits\"").unwrap_or(text.len());
        let (before, rule) = text.split_at(at);
        let unknown = "confidence = \"not-found\"\nknowledge = \"unknown\"\n";
        let known =
            "confidence = \"secondary\"\nknowledge = \"sourced\"\nrate = \"20\"\nspecific = \"0.5 CNY/500ml\"\n";
        let rule = rule.replacen(unknown, known, 1).replacen(&refused(""), told, 1);
        format!("{before}{rule}")
    });
    edited.unwrap_or_else(|errors| panic!("{errors:#?}"))
}

#[test]
fn a_consumption_tax_may_have_a_part_by_volume_inside_its_own_base() {
    let book = china_with_spirits();
    let bottles = |pieces, minor, millilitres: i64| {
        let content = (millilitres > 0).then(|| Content::new(millilitres * 1_000, ContentUnit::Ml));
        AskLine { content, ..line("220830", pieces, minor) }
    };
    let cost = |line: AskLine| landed_cost(&book, &ask(&[line], 0));
    let of_kinds = |cost: &LandedCost| -> Vec<(ChargeKind, i64, Rate)> {
        cost.charges.iter().map(|charge| (charge.kind, charge.amount.minor(), charge.rate)).collect()
    };
    let specific: DutyRate = "0.5 CNY/500ml".parse().expect("a rate");
    // Two bottles of 355 ml at 300.00: 0.71. Consumption tax (300.00 × 20 % + 0.71) / 0.80 = 75.8875; VAT 13 % of 375.8875
    // = 48.865375; 70 %: 87.3270125 → 87.33, of which VAT 34.2057625 → 34.21. For display 17.5 % and 11.375 %
    let two = cost(bottles(2, 30_000, 355)).expect("ruled");
    let shown = [Rate::ZERO, Rate::nano(175_000_000), Rate::nano(113_750_000)];
    let (duty, ct, vat) = (ChargeKind::Duty, ChargeKind::ConsumptionTax, ChargeKind::Vat);
    assert_eq!(of_kinds(&two), [(duty, 0, shown[0]), (ct, 5_312, shown[1]), (vat, 3_421, shown[2])]);
    let formula = FormulaKind::CompositeCompound {
        vat: Rate::percent(13),
        consumption_tax: Rate::percent(20),
        share: Rate::percent(70),
        rate: specific.clone(),
        grams: None,
        millilitres: Some(710),
        line_tax: cny(8_733),
    };
    assert_eq!([&two.charges[1].formula, &two.charges[2].formula], [&formula, &formula]);
    // One bottle of 6,000.00 is over the order limit and entered in full: duty 5 % = 300.00; consumption tax
    // (6,300.00 × 20 % + 0.70) / 0.80 = 1,575.875 → 1,575.88; VAT 13 % of 7,875.88 = 1,023.8644 → 1,023.86
    let full = cost(bottles(1, 600_000, 700)).expect("ruled");
    let rates = [5, 20, 13].map(Rate::percent);
    assert_eq!(of_kinds(&full), [(duty, 30_000, rates[0]), (ct, 157_588, rates[1]), (vat, 102_386, rates[2])]);
    let inside = FormulaKind::InsideCompound { specific, grams: None, millilitres: Some(700) };
    assert_eq!(full.charges[1].formula, inside);
    // Without its volume nobody can say.
    let hs: HsCode = "220830".parse().expect("a code");
    let (measure, rule) = (Measure::Volume, "cn.ct.spirits".into());
    assert_eq!(cost(bottles(1, 40_000, 0)), Err(LandedCostRefusal::QuantityMissing { line: 0, hs, measure, rule }));
}

#[test]
fn what_is_taken_beside_a_rate_is_of_a_volume_or_a_mass_in_the_packs_money() {
    for got in ["0.5 EUR/500ml", "0.5 CNY/piece", "0.5 CNY/lpa", "5%", "5% + 0.5 CNY/500ml", "0.5"] {
        let cosmetics = "id = \"cn.ct.cosmetics\"\n";
        let edited = china_with(|text| text.replace(cosmetics, &format!("{cosmetics}specific = \"{got}\"\n")));
        let errors = edited.expect_err(got);
        let told = errors.iter().any(|e| e.rule == "cn.ct.cosmetics" && e.field == "specific");
        assert!(told, "{got}: {errors:#?}");
    }
}

#[test]
fn a_date_before_the_rules_is_refused() {
    let lines = [line(COFFEE, 1, 10_000)];
    let on = |day| landed_cost(china(), &LandedCostAsk { date: day, ..ask(&lines, 0) }).map(|cost| cost.tax);
    assert_eq!(on(date(2026, 1, 1)), Ok(cny(910)));
    // the list is known from March 2022, the rates from January 2026
    let no_rate = LandedCostRefusal::RateUnknown { line: 0, hs: COFFEE.parse().expect("a code"), rule: None };
    assert_eq!(on(date(2025, 12, 31)), Err(no_rate));
    let no_list = LandedCostRefusal::ListUnknown { line: 0, hs: COFFEE.parse().expect("a code") };
    assert_eq!(on(date(2022, 2, 28)), Err(no_list));
    let rule = "cn.cbec.taxable-value".into();
    let day = date(2018, 12, 31);
    assert_eq!(on(day), Err(LandedCostRefusal::NoRuleOnDate { territory: Country::CN, date: day, rule }));
}

#[test]
fn production_refuses_unverified_rules_that_nobody_accepted() {
    let lines = [line(COFFEE, 1, 10_000)];
    let accepting = |rules: &[&str]| {
        let stance = Stance::Production { accepted: rules.iter().map(|&rule| rule.to_owned()).collect() };
        landed_cost(china(), &LandedCostAsk { stance: &stance, ..ask(&lines, 0) })
    };
    let refused = |rule: &str| Err(LandedCostRefusal::UnverifiedRefused { rule: rule.into() });
    assert_eq!(accepting(&[]), refused("cn.cbec.taxable-value"));
    assert_eq!(accepting(&["cn.cbec.taxable-value"]), refused("cn.cbec.positive-list"));
    let cost = accepting(&["cn.cbec.taxable-value", "cn.cbec.positive-list"]).expect("both are accepted");
    assert_eq!((cost.tax, cost.knowledge), (cny(910), Knowledge::Unverified), "accepted, and still marked");
}

#[test]
fn an_answer_names_every_rule_that_it_rests_on() {
    let cost = cost(&[cream(1, 45_000, ml(30)), line(COFFEE, 1, 100)], 0).expect("within the limits");
    let rules: Vec<&str> = cost.rests_on.iter().map(|used| &*used.rule).collect();
    let expected = [
        "cn.cbec.taxable-value",
        "cn.cbec.single-limit",
        "cn.cbec.composite",
        "cn.cbec.positive-list",
        "cn.tariff.2026",
        "cn.ct.cosmetics",
    ];
    assert_eq!(rules, expected);
    assert_eq!(cost.pack, china().digest);
    assert!(rules.iter().all(|id| china().rule(id).is_some()));
}

#[test]
fn absurd_orders_are_refused_and_nothing_overflows() {
    let hs: HsCode = COFFEE.parse().expect("a code");
    assert_eq!(cost(&[], 0), Err(LandedCostRefusal::NoLines));
    let many = vec![line(COFFEE, 1, 100); MOST_LINES + 1];
    assert_eq!(cost(&many, 0), Err(LandedCostRefusal::TooManyLines { lines: MOST_LINES + 1, most: MOST_LINES }));
    for pieces in [0, -1, i64::MIN, i64::MAX, MOST_PIECES + 1] {
        let refused = LandedCostRefusal::PiecesOutOfRange { line: 0, pieces, most: MOST_PIECES };
        assert_eq!(cost(&[line(COFFEE, pieces, 100)], 0), Err(refused));
    }
    for value in [0, -1, i64::MIN] {
        let refused = LandedCostRefusal::ValueNotPositive { line: 0, value: cny(value) };
        assert_eq!(cost(&[line(COFFEE, 1, value)], 0), Err(refused));
    }
    for milli in [0, -1, i64::MIN] {
        let content = Content::new(milli, ContentUnit::Ml);
        let refused = LandedCostRefusal::ContentNotPositive { line: 0, content };
        assert_eq!(cost(&[cream(1, 100, Some(content))], 0), Err(refused));
    }
    assert_eq!(cost(&[line(COFFEE, 1, 100)], -1), Err(LandedCostRefusal::FreightNegative { freight: cny(-1) }));
    let lines = [line(COFFEE, 1, 100)];
    let negative = LandedCostAsk { year_used: Some(cny(-1)), ..ask(&lines, 0) };
    assert_eq!(landed_cost(china(), &negative), Err(LandedCostRefusal::YearUsedNegative { used: cny(-1) }));
    let ringgit =
        [AskLine { hs, pieces: 1, value: Money::new(100, Currency::MYR), content: None, origin: None, net: None }];
    let refused = LandedCostRefusal::WrongCurrency { expected: Currency::CNY, got: Currency::MYR };
    assert_eq!(cost(&ringgit, 0), Err(refused));

    // the largest numbers that pass the form
    assert_eq!(cost(&[line(SHOES, 1, i64::MAX)], i64::MAX), Err(LandedCostRefusal::AmountTooLarge));
    assert_eq!(cost(&[line(SHOES, 1, i64::MAX)], 0), Err(LandedCostRefusal::AmountTooLarge));
    let most = Some(Content::new(i64::MAX, ContentUnit::Ml));
    assert_eq!(taxes(&[cream(MOST_PIECES, 10_000, most)], 0), Ok((0, 0, 910)));
    assert!(matches!(cost(&[line(COFFEE, MOST_PIECES, i64::MAX)], 0), Err(LandedCostRefusal::OverSingleLimit { .. })));
}

#[test]
fn an_answer_is_read_back_as_it_was_written() {
    let cost = cost(&[cream(2, 45_000, ml(30)), line(TEA, 3, 7_777)], 2_000).expect("within the limits");
    let json = serde_json::to_string(&cost).expect("it can be written");
    assert_eq!(serde_json::from_str::<LandedCost>(&json).expect("and read"), cost);
    assert!(json.contains(r#""formula":{"code":"not-levied"}"#), "{json}");
}

const SOAP: &str = "340111";
const TOYS: &str = "950300";
const EARPHONES: &str = "851830";
const CHAIR: &str = "940161";

fn malaysia() -> &'static Rulebook {
    test_books().book(Country::MY).expect("there is a pack")
}

fn in_sen(hs: &str, pieces: i64, sen: i64) -> AskLine {
    AskLine { value: Money::new(sen, Currency::MYR), ..line(hs, pieces, 0) }
}

fn cost_in_malaysia(regime: Regime, lines: &[AskLine], freight: i64) -> Result<LandedCost, LandedCostRefusal> {
    let freight = Money::new(freight, Currency::MYR);
    landed_cost(malaysia(), &LandedCostAsk { regime, freight, ..ask(lines, 0) })
}

/// Treatment, and duty, sales tax and low value goods tax in sen.
fn parcel(lines: &[AskLine], freight: i64) -> Result<(Treatment, i64, i64, i64), LandedCostRefusal> {
    let cost = cost_in_malaysia(Regime::B2cParcel, lines, freight)?;
    let of = |kind| of_kind(&cost, kind);
    Ok((cost.treatment, of(ChargeKind::Duty), of(ChargeKind::SalesTax), of(ChargeKind::Lvg)))
}

#[test]
fn malaysia_relieves_a_parcel_of_500_ringgit_with_its_freight_and_taxes_the_item_at_the_sale() {
    // 480.00 + 20.00: relief, and 10 % of 480.00. Nobody knows the duty of chairs, and nobody needs it.
    assert_eq!(parcel(&[in_sen(CHAIR, 1, 48_000)], 2_000), Ok((Treatment::Relief, 0, 0, 4_800)));
    let cost = cost_in_malaysia(Regime::B2cParcel, &[in_sen(CHAIR, 1, 48_000)], 2_000).expect("within the relief");
    assert_eq!((cost.total.minor(), cost.registration.as_deref()), (54_800, Some("LRN-SAMPLE-0001")));
    let formulas: Vec<_> = cost.charges.iter().map(|c| (c.kind, c.formula.clone())).collect();
    let ringgit = |sen| Money::new(sen, Currency::MYR);
    let why = FormulaKind::Relieved { value: ringgit(50_000), limit: ringgit(50_000), basis: Basis::GoodsAndFreight };
    let at_sale = FormulaKind::AtTheSale { price: ringgit(48_000), limit: ringgit(50_000), basis: Basis::Item };
    assert_eq!(formulas, [(ChargeKind::Duty, why), (ChargeKind::Lvg, at_sale)]);
    // one sen of freight more, and the chair needs a duty that is in no table
    let hs = CHAIR.parse().expect("a code");
    let unknown = Err(LandedCostRefusal::RateUnknown { line: 0, hs, rule: Some("my.tariff.no-duty".into()) });
    assert_eq!(parcel(&[in_sen(CHAIR, 1, 48_000)], 2_001), unknown);
}

#[test]
fn goods_taxed_at_the_sale_bear_no_sales_tax_at_the_border_again() {
    // soap 480.00 + 20.01 = 500.01: duty 20 % = 100.00; LVG 48.00; no sales tax
    assert_eq!(parcel(&[in_sen(SOAP, 1, 48_000)], 2_001), Ok((Treatment::Full, 10_000, 0, 4_800)));
    // three toys at exactly 500.00 are of low value; at 500.01 they are not: sales tax 10 % of 1,500.03 + 30.00
    assert_eq!(parcel(&[in_sen(TOYS, 3, 150_000)], 3_000), Ok((Treatment::Full, 0, 0, 15_000)));
    assert_eq!(parcel(&[in_sen(TOYS, 3, 150_003)], 3_000), Ok((Treatment::Full, 0, 15_300, 0)));
    // 500.00 and a third of a sen is more than 500.00, though it is shown as 500.00
    assert_eq!(parcel(&[in_sen(TOYS, 3, 150_001)], 0), Ok((Treatment::Full, 0, 15_000, 0)));
    // both in one parcel, freight 12.00 split 10.00 : 2.00: sales tax 10 % of 510.01 = 51.00; LVG 10 % of 100.00
    let both = [in_sen(EARPHONES, 1, 50_001), in_sen(TOYS, 1, 10_000)];
    assert_eq!(parcel(&both, 1_200), Ok((Treatment::Full, 0, 5_100, 1_000)));
}

#[test]
fn tobacco_liquor_and_pipes_are_excluded() {
    // wine is never relieved, and nobody knows its duty; beside it tea would be
    let wine = || in_sen("220421", 1, 5_000);
    let refused = |line| LandedCostRefusal::RateUnknown {
        line,
        hs: "220421".parse().expect("a code"),
        rule: Some("my.tariff.food-no-duty".into()),
    };
    assert_eq!(parcel(&[wine()], 0), Err(refused(0)));
    assert_eq!(parcel(&[in_sen(TEA, 1, 2_000), wine()], 0), Err(refused(1)));
    // a pipe and an electronic cigarette bear no LVG, and within the relief nothing at all
    let smoke = [in_sen("961400", 1, 9_000), in_sen("854340", 1, 9_000)];
    assert_eq!(parcel(&smoke, 1_000), Ok((Treatment::Relief, 0, 0, 0)));
}

#[test]
fn before_2024_nothing_was_taxed_at_the_sale() {
    let lines = [in_sen(TOYS, 1, 10_000)];
    let on = |day| {
        let freight = Money::zero(Currency::MYR);
        landed_cost(malaysia(), &LandedCostAsk { date: day, freight, ..ask(&lines, 0) }).map(|cost| cost.tax.minor())
    };
    assert_eq!(on(date(2023, 12, 31)), Ok(0));
    assert_eq!(on(date(2024, 1, 1)), Ok(1_000));
}

#[test]
fn a_business_pays_in_full_from_the_first_sen() {
    let business = |book: &Rulebook, lines: &[AskLine], freight| {
        landed_cost(book, &LandedCostAsk { regime: Regime::B2b, freight, ..ask(lines, 0) })
    };
    // soap: 20.00 + 5.00, duty 20 % = 5.00, sales tax 10 % of 30.00 = 3.00
    let cost = cost_in_malaysia(Regime::B2b, &[in_sen(SOAP, 1, 2_000)], 500).expect("the duty is known");
    assert_eq!((cost.treatment, cost.tax.minor(), cost.registration), (Treatment::Full, 800, None));
    let hs = CHAIR.parse().expect("a code");
    let unknown = Err(LandedCostRefusal::RateUnknown { line: 0, hs, rule: Some("my.tariff.no-duty".into()) });
    assert_eq!(cost_in_malaysia(Regime::B2b, &[in_sen(CHAIR, 1, 2_000)], 0), unknown);
    // China: no list, no limit. 2,000 pairs of shoes for 200,000.00: duty 8 % = 16,000.00, VAT 13 % of 216,000.00
    let cost = business(china(), &[line(SHOES, 2_000, 20_000_000)], cny(0)).expect("no limit");
    assert_eq!((of_kind(&cost, ChargeKind::Duty), of_kind(&cost, ChargeKind::Vat)), (1_600_000, 2_808_000));
    let power_bank = business(china(), &[line("850760", 1, 10_000)], cny(0)).expect("no list");
    // duty 10 % = 10.00, VAT 13 % of 110.00 = 14.30
    assert_eq!(power_bank.tax, cny(2_430));
    assert_eq!(power_bank.knowledge, Knowledge::Unverified);
}

/// Codes with VAT 13 and 9, without and with consumption tax.
fn any_line() -> impl Strategy<Value = AskLine> {
    let code = prop::sample::select(vec![COFFEE, TEA, CREAM, SHOES, "220421", "041090"]);
    (code, 1_i64..20, 1_i64..40_000, 1_i64..200)
        .prop_map(|(code, pieces, value, content)| AskLine { content: ml(content), ..line(code, pieces, value) })
}

proptest! {
    #[test]
    fn charges_sum_to_the_tax_and_all_sums_to_the_total(
        lines in prop::collection::vec(any_line(), 1..8),
        freight in 0_i64..50_000,
    ) {
        let Ok(cost) = cost(&lines, freight) else { return Ok(()) };
        let goods: i64 = lines.iter().map(|line| line.value.minor()).sum();
        let tax: i64 = cost.charges.iter().map(|charge| charge.amount.minor()).sum();
        prop_assert_eq!(cost.goods.minor(), goods);
        prop_assert_eq!(cost.tax.minor(), tax);
        prop_assert_eq!(cost.total.minor(), goods + freight + tax);
        let bases: i64 = cost.charges.iter().filter(|c| c.kind == ChargeKind::Duty).map(|c| c.base.minor()).sum();
        prop_assert_eq!(bases, cost.taxable.minor(), "the lines share the freight without remainder");
        prop_assert!(cost.charges.iter().all(|charge| charge.amount.minor() >= 0));
    }

    #[test]
    fn dearer_goods_never_bear_less_tax(
        code in prop::sample::select(vec![COFFEE, TEA, CREAM, SHOES, "220421"]),
        value in 1_i64..600_000,
        more in 0_i64..100_000,
    ) {
        let tax = |value| cost(&[AskLine { content: ml(50), ..line(code, 1, value) }], 0).map(|cost| cost.tax.minor());
        prop_assert!(tax(value)? <= tax(value + more)?);
    }

    #[test]
    fn no_order_makes_it_panic(
        pieces in any::<i64>(), value in any::<i64>(), freight in any::<i64>(), milli in any::<i64>(),
        used in any::<i64>(), second in any::<i64>(),
    ) {
        let content = Some(Content::new(milli, ContentUnit::G));
        let lines = [cream(pieces, value, content), line(WATCH, 1, second)];
        for lines in [&lines[..1], &lines[..]] {
            let _ = landed_cost(china(), &LandedCostAsk { year_used: Some(cny(used)), ..ask(lines, freight) });
        }
    }
}
