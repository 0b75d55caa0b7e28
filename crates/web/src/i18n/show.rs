//! How a language writes numbers, money, masses, dates and times.

use jiff::civil::Date;
use jiff::{Timestamp, Zoned};
use trade::codes::Country;
use trade::money::{FxRate, Money, Rate};
use trade::quantity::{Content, Grams, Size};
use trade::time::{BusinessTime, WallTime};

use super::Lang;
use super::Tr;

/// A value or a reference to one: templates hand over references of any depth.
pub trait Given<T> {
    fn given(self) -> T;
}

impl<T> Given<T> for T {
    fn given(self) -> T {
        self
    }
}

impl<T: Clone> Given<T> for &T {
    fn given(self) -> T {
        self.clone()
    }
}

impl<T: Clone> Given<T> for &&T {
    fn given(self) -> T {
        (*self).clone()
    }
}

impl Tr {
    /// What a rule pack says in three languages.
    #[must_use]
    pub fn words(&self, words: &trade::rulebook::Words) -> String {
        match self.lang {
            Lang::En => words.en.clone(),
            Lang::Ms => words.ms.clone(),
            Lang::Zh => words.zh.clone(),
        }
    }

    /// `RM 1,234.50`, `¥ 386.42`, `USD 12.00`; all three languages group by thousands with commas.
    #[must_use]
    pub fn money(&self, money: impl Given<Money>) -> String {
        let money: Money = money.given();
        let sign = match money.currency().code() {
            "MYR" => "RM",
            "CNY" => "¥",
            code => code,
        };
        let decimal = money.decimal();
        match decimal.strip_prefix('-') {
            Some(positive) => format!("−{sign}\u{a0}{}", grouped(positive)),
            None => format!("{sign}\u{a0}{}", grouped(&decimal)),
        }
    }

    #[must_use]
    pub fn num(&self, n: impl ToString) -> String {
        grouped(&n.to_string())
    }

    /// `7.2 kg`; grams below one kilogram.
    #[must_use]
    pub fn kg(&self, grams: impl Given<Grams>) -> String {
        let grams: Grams = grams.given();
        if grams.0.abs() < 1000 {
            return format!("{}\u{a0}g", grams.0);
        }
        let text = grams.kilograms();
        let short = text.trim_end_matches('0').trim_end_matches('.');
        format!("{}\u{a0}kg", grouped(short))
    }

    /// `12 × 8 × 5 cm`.
    #[must_use]
    pub fn size(&self, size: impl Given<Size>) -> String {
        let size: Size = size.given();
        let cm = |mm: i64| {
            let text = trade::money::format_fixed(mm, 1);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        format!("{} × {} × {}\u{a0}cm", cm(size.length_mm), cm(size.width_mm), cm(size.height_mm))
    }

    /// `50 ml`, `12 pieces`, `700 ml 40 %`.
    #[must_use]
    pub fn content(&self, content: impl Given<Content>) -> String {
        let content: Content = content.given();
        let told = format!("{}\u{a0}{}", self.decimal(content.milli, 3), self.by("content-unit", content.unit.code()));
        match content.strength {
            None => told,
            Some(strength) => format!("{told} {}\u{a0}%", strength.percent_text()),
        }
    }

    /// A plain decimal of so many digits after the point, without zeros at its end.
    #[must_use]
    pub fn decimal(&self, value: i64, digits: u32) -> String {
        let text = trade::money::format_fixed(value, digits);
        grouped(text.trim_end_matches('0').trim_end_matches('.'))
    }

    #[must_use]
    pub fn percent(&self, rate: impl Given<Rate>) -> String {
        let rate: Rate = rate.given();
        rate.to_string().replace(" %", "%").replace('%', "\u{a0}%")
    }

    /// `1 RM = 1.6184 ¥`: what the buyer pays a unit, mid and spread told apart.
    #[must_use]
    pub fn fx(&self, fx: &FxRate) -> String {
        let mid = fx.mid.to_string();
        let mid = mid.trim_end_matches('0').trim_end_matches('.').to_owned();
        self.w(
            "fx-rate",
            [
                ("from", fx.from.code().to_owned()),
                ("to", fx.to.code().to_owned()),
                ("mid", mid),
                ("spread", self.percent(fx.spread)),
            ],
        )
    }

    #[must_use]
    pub fn country(&self, country: impl Given<Country>) -> String {
        let country: Country = country.given();
        self.by("country", country.as_str())
    }

    /// `23 Nov 2026`, `2026年11月23日`.
    #[must_use]
    pub fn date(&self, date: impl Given<Date>) -> String {
        let date: Date = date.given();
        let month = self.by("month", date.month().to_string());
        self.w("date", [("day", date.day().to_string()), ("month", month), ("year", date.year().to_string())])
    }

    /// `23 Nov 2026, 09:12` in the zone of the hub's office.
    #[must_use]
    pub fn time(&self, at: impl Given<BusinessTime>) -> String {
        let at: BusinessTime = at.given();
        self.moment(at.micros())
    }

    #[must_use]
    pub fn wall(&self, at: impl Given<WallTime>) -> String {
        let at: WallTime = at.given();
        self.moment(at.micros())
    }

    /// The day alone.
    #[must_use]
    pub fn day(&self, at: impl Given<BusinessTime>) -> String {
        let at: BusinessTime = at.given();
        self.date(at.date_in(&self.zone))
    }

    /// For `<time datetime="…">`.
    #[must_use]
    pub fn iso(&self, at: impl Given<BusinessTime>) -> String {
        let at: BusinessTime = at.given();
        at.to_string()
    }

    /// A stretch of time in its largest unit: `14 min`, `3 h`, `2 days`.
    #[must_use]
    pub fn span(&self, seconds: i64) -> String {
        match seconds.max(0) {
            s @ 0..60 => self.n("span-seconds", s),
            s @ 60..3_600 => self.n("span-minutes", s.div_euclid(60)),
            s @ 3_600..172_800 => self.n("span-hours", s.div_euclid(3_600)),
            s => self.n("span-days", s.div_euclid(86_400)),
        }
    }

    fn moment(&self, micros: i64) -> String {
        let timestamp = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MIN);
        let local = Zoned::new(timestamp, self.zone.clone());
        let clock = format!("{:02}:{:02}", local.hour(), local.minute());
        self.w("date-time", [("date", self.date(local.date())), ("time", clock)])
    }
}

/// `1234567.5` as `1,234,567.5`.
pub(super) fn grouped(number: &str) -> String {
    let (sign, rest) = number.strip_prefix('-').map_or(("", number), |r| ("−", r));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(w, f)| (w, Some(f)));
    if !whole.bytes().all(|b| b.is_ascii_digit()) {
        return number.to_owned();
    }
    let mut text = String::with_capacity(number.len() + 4);
    text.push_str(sign);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).rem_euclid(3) == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

/// Values of problems that are instants, by their name: business times travel as microseconds.
pub(super) fn is_instant(name: &str) -> bool {
    name.ends_with("_at") || matches!(name, "at" | "until" | "deadline" | "since" | "now" | "to_time" | "as_of")
}

/// Values of problems that are codes of a closed list with words of its own.
pub(super) fn coded(name: &str) -> Option<&'static str> {
    match name {
        "field" | "missing" => Some("field"),
        "unit" => Some("unit"),
        "kind" => Some("file-kind"),
        "role" => Some("role"),
        "stage" => Some("stage"),
        "from_state" | "to_state" | "customs_state" => Some("customs-state"),
        "form" => Some("customs-form"),
        "mode" => Some("manifest-mode"),
        "state" => Some("state"),
        "permit_state" => Some("permit-state"),
        "permit_kind" => Some("permit-kind"),
        "mandate_state" => Some("mandate-state"),
        "act" => Some("act"),
        "direction" => Some("direction"),
        "regime" => Some("regime"),
        "reason" => Some("incoterm-reason"),
        "term" => Some("claim-term"),
        "from" | "to" | "territory" | "country" | "origin" => Some("country"),
        "first" => Some("problem"),
        _ => None,
    }
}
