//! Which goods there are, what a piece of them costs and weighs, and what a way costs: samples, all of them. No
//! facts were found for prices; they have to be plausible on either side of the markets' thresholds, no more.

use std::collections::BTreeSet;
use std::ops::Range;

use trade::codes::{Country, HsCode};
use trade::landed_cost::AskLine;
use trade::money::{Currency, Money};
use trade::quantity::{Content, ContentUnit, Grams};
use trade::rulebook::Rulebooks;

/// First digits of a code; what a piece costs in US cents, its net grams, and millilitres in it (0: not counted
/// so). The longest prefix that fits is taken.
const KINDS: [(&str, i64, i64, i64); 66] = [
    ("", 1_800, 400, 0),
    ("04", 900, 500, 0),
    ("08", 700, 500, 0),
    ("09", 1_200, 250, 0),
    ("10", 600, 2_000, 0),
    ("12", 400, 100, 0),
    ("15", 900, 950, 1_000),
    ("17", 500, 300, 0),
    ("18", 800, 200, 0),
    ("19", 450, 400, 0),
    ("20", 700, 500, 0),
    ("21", 1_100, 350, 0),
    ("22", 1_700, 800, 750),
    ("2208", 4_200, 750, 700),
    ("23", 2_500, 2_000, 0),
    ("30", 1_500, 120, 0),
    ("33", 1_900, 120, 50),
    ("3303", 5_500, 250, 50),
    ("3306", 600, 150, 100),
    ("34", 500, 150, 150),
    ("39", 900, 350, 0),
    ("40", 600, 150, 0),
    ("42", 4_500, 700, 0),
    ("4201", 1_500, 250, 0),
    ("44", 2_500, 900, 0),
    ("46", 2_200, 500, 0),
    ("48", 700, 400, 0),
    ("49", 1_400, 450, 0),
    ("50", 2_600, 150, 0),
    ("57", 6_500, 3_500, 0),
    ("61", 1_800, 220, 0),
    ("62", 3_200, 350, 0),
    ("63", 2_800, 900, 0),
    ("64", 5_200, 950, 0),
    ("65", 1_600, 120, 0),
    ("66", 1_900, 450, 0),
    ("69", 2_400, 800, 0),
    ("70", 1_900, 700, 0),
    ("711311", 4_500, 20, 0),
    ("711319", 32_000, 15, 0),
    ("7117", 1_400, 30, 0),
    ("73", 2_200, 700, 0),
    ("82", 2_600, 400, 0),
    ("84", 5_000, 900, 0),
    ("8471", 65_000, 1_800, 0),
    ("85", 3_500, 350, 0),
    ("8508", 12_000, 4_500, 0),
    ("8509", 6_000, 2_500, 0),
    ("8516", 4_000, 1_500, 0),
    ("8517", 28_000, 350, 0),
    ("8525", 18_000, 500, 0),
    ("87", 4_500, 1_500, 0),
    ("8712", 28_000, 14_000, 0),
    ("90", 2_800, 60, 0),
    ("9019", 9_000, 2_500, 0),
    ("91", 12_000, 120, 0),
    ("92", 19_000, 4_000, 0),
    ("94", 9_500, 9_000, 0),
    ("9404", 3_500, 1_500, 0),
    ("9405", 3_800, 1_200, 0),
    ("95", 2_600, 600, 0),
    ("9504", 24_000, 2_000, 0),
    ("96", 900, 80, 0),
    ("97", 45_000, 3_000, 0),
    ("24", 3_000, 200, 0),
    ("88", 42_000, 900, 0),
];

/// Goods of which no tariff in the packs says anything: nicotine without burning, an old painting, a drone.
const STRANGE: [&str; 3] = ["240412", "970121", "880622"];

/// Where the packs count their thresholds by a rate of the US dollar, it is this one.
const SAMPLE_RATES: [(Currency, i64); 5] = [
    (Currency::USD, 1_000_000),
    (Currency::MYR, 4_400_000),
    // 4.40 / 0.6203, the sample rate of the lane from China to Malaysia
    (Currency::CNY, 7_093_000),
    (Currency::SGD, 1_300_000),
    (Currency::EUR, 920_000),
];

/// The same for currencies that have no constant of their own.
const MORE_RATES: [(&str, i64); 10] = [
    ("IDR", 16_600_000_000),
    ("THB", 32_500_000),
    ("VND", 26_300_000_000),
    ("PHP", 58_000_000),
    ("GBP", 780_000),
    ("AUD", 1_520_000),
    ("NZD", 1_700_000),
    ("JPY", 150_000_000),
    ("KRW", 1_402_500_000),
    ("HKD", 7_800_000),
];

/// Units of a currency for a US dollar, in millionths: samples.
pub(super) fn sample_rate(currency: Currency) -> Option<i64> {
    let own = SAMPLE_RATES.iter().find(|(known, _)| *known == currency).map(|(_, rate)| *rate);
    own.or_else(|| MORE_RATES.iter().find(|(code, _)| *code == currency.code()).map(|(_, rate)| *rate))
}

/// Minor units of a currency for a US cent, in millionths; none where no sample rate is known.
pub(super) fn per_cent(currency: Currency) -> Option<i64> {
    Some(sample_rate(currency)? * 10_i64.pow(currency.digits()) / 100)
}

/// An amount of US cents in a currency, at least one minor unit.
pub(super) const fn minor(cents: i64, per_cent: i64) -> i64 {
    let amount = cents * per_cent / 1_000_000;
    if amount < 1 { 1 } else { amount }
}

/// One kind of goods.
#[derive(Debug)]
pub(super) struct Kind {
    pub hs: HsCode,
    /// What a piece costs where prices are neither high nor low.
    pub cents: i64,
    pub grams: i64,
    pub content: Option<Content>,
}

impl Kind {
    fn of(hs: HsCode) -> Self {
        let fits = KINDS.iter().filter(|(prefix, ..)| hs.is_under(prefix));
        let (_, cents, grams, ml) = *fits.max_by_key(|(prefix, ..)| prefix.len()).unwrap_or(&KINDS[0]);
        let content = (ml > 0).then_some(Content::new(ml * 1_000, ContentUnit::Ml));
        Self { hs, cents, grams, content }
    }

    /// A line of an order of so many pieces; `value` is of all of them.
    pub fn line(&self, pieces: i64, value: Money, origin: Country) -> AskLine {
        let (hs, content) = (self.hs.clone(), self.content);
        AskLine { hs, pieces, value, content, origin: Some(origin), net: Some(Grams(self.grams)) }
    }
}

/// All goods: every code that a tariff of some territory has a row of, and a few that none has.
#[derive(Debug)]
pub(super) struct AllGoods {
    pub kinds: Vec<Kind>,
    /// The places of the goods of each chapter.
    pub chapters: Vec<Range<usize>>,
}

impl AllGoods {
    pub fn of(books: &Rulebooks) -> Self {
        let rows = books.books().flat_map(|book| book.tariff.rows());
        let known: BTreeSet<String> = rows.map(|row| format!("{:06}", row.hs6)).collect();
        let codes = known.iter().map(String::as_str).chain(STRANGE).collect::<BTreeSet<_>>();
        let kinds: Vec<Kind> = codes.into_iter().filter_map(|code| code.parse().ok()).map(Kind::of).collect();
        let mut chapters: Vec<Range<usize>> = Vec::new();
        for (place, kind) in kinds.iter().enumerate() {
            match chapters.last_mut().filter(|last| kinds[last.start].hs.chapter() == kind.hs.chapter()) {
                Some(last) => last.end = place + 1,
                None => chapters.push(place..place + 1),
            }
        }
        Self { kinds, chapters }
    }

    pub fn place(&self, hs: &HsCode) -> Option<usize> {
        self.kinds.binary_search_by(|kind| kind.hs.cmp(hs)).ok()
    }
}

/// What a consumer's parcel costs to be sent, in US cents: first half kilogram and each further one, by whether the
/// way is short. After the sample rate cards of the lanes.
pub(super) const fn parcel_freight(near: bool, grams: i64) -> i64 {
    let (first, further) = if near { (380, 190) } else { (1_250, 500) };
    first + further * (grams / 500)
}

/// What goods of a business cost to be sent, in US cents: an entry's part and each kilogram.
pub(super) const fn business_freight(near: bool, by_sea: bool, grams: i64) -> i64 {
    let each = match (near, by_sea) {
        (true, true) => 40,
        (false, true) => 70,
        (true, false) => 280,
        (false, false) => 520,
    };
    6_000 + each * (1 + grams / 1_000)
}
