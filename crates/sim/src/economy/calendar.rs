//! On which days people buy. No daily numbers were found; the weights are the operator's samples, made so that the
//! peak is as far above a usual day as the one figure there is: at 6.18 of 2024 the busiest minute saw 85,000
//! declarations where a usual day has 20 million, 1,417 a second against 231, six times as many.

use jiff::civil::{Date, Weekday};
use trade::codes::Country;

use crate::random::Random;

/// By month, in parts of a hundred: quiet after new year, full before the next.
const MONTHS: [u64; 12] = [95, 88, 98, 97, 99, 103, 96, 97, 100, 104, 118, 110];

/// Days with a number of their own: month, day, and how many times as much as on another day.
const PEAKS: [(i8, i8, u64); 8] =
    [(11, 11, 8), (11, 10, 2), (11, 12, 2), (12, 12, 3), (6, 18, 4), (6, 17, 2), (9, 9, 2), (10, 10, 2)];

/// The first day of the lunar year; for other years the season is left out.
const LUNAR_NEW_YEARS: [(i16, i8, i8); 12] = [
    (2019, 2, 5),
    (2020, 1, 25),
    (2021, 2, 12),
    (2022, 2, 1),
    (2023, 1, 22),
    (2024, 2, 10),
    (2025, 1, 29),
    (2026, 2, 17),
    (2027, 2, 6),
    (2028, 1, 26),
    (2029, 2, 13),
    (2030, 2, 3),
];

/// What a day is worth in parts of ten thousand of a plain one.
fn weight(to: Country, date: Date) -> u64 {
    let weekday = match date.weekday() {
        Weekday::Monday => 106,
        Weekday::Tuesday | Weekday::Wednesday => 103,
        Weekday::Thursday => 101,
        Weekday::Friday => 99,
        Weekday::Saturday => 92,
        Weekday::Sunday => 96,
    };
    let month = usize::try_from(date.month() - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or(100);
    let peak = PEAKS.iter().find(|(m, d, _)| (*m, *d) == (date.month(), date.day())).map_or(1, |(.., times)| *times);
    let parts = [season_of_lights(to, date), season_of_the_fast(to, date), lunar(to, date)];
    parts.into_iter().fold(weekday * month * peak, |weight, percent| weight * percent / 100)
}

/// Before Christmas, in per cent: where most give presents then.
fn season_of_lights(to: Country, date: Date) -> u64 {
    let (month, day) = (date.month(), date.day());
    let far = matches!(to.as_str(), "EU" | "GB" | "US" | "AU" | "NZ" | "PH");
    match (month, day) {
        (12, 1..=15) | (11, 24..=30) if far => 145,
        (12, 1..=15) => 110,
        (12, 24..=31) => 75,
        (1, 1..=3) => 80,
        _ => 100,
    }
}

/// The month of fasting and the feast behind it, by the tabular calendar: the true days may be one or two off it.
fn season_of_the_fast(to: Country, date: Date) -> u64 {
    let percent = match to.as_str() {
        "MY" | "ID" => (140, 60),
        "SG" => (110, 95),
        _ => return 100,
    };
    match tabular(date) {
        // Ramadan, then the first week of Syawal
        (9, _) => percent.0,
        (10, 1..=7) => percent.1,
        _ => 100,
    }
}

/// Month and day of the tabular Islamic calendar, of thirty years with eleven leap days (epoch 16 July 622, Julian).
fn tabular(date: Date) -> (i64, i64) {
    let epoch = Date::constant(622, 7, 19);
    let days = i64::from(epoch.until(date).map_or(0, |span| span.get_days()));
    let year = (30 * days + 10_646).div_euclid(10_631);
    let begins = |year: i64| (year - 1) * 354 + (3 + 11 * year).div_euclid(30);
    let of_year = days - begins(year);
    // months of 30 and 29 days by turns
    let month = ((2 * of_year + 1).div_euclid(59) + 1).clamp(1, 12);
    let day = of_year - (59 * (month - 1) + 1).div_euclid(2) + 1;
    (month, day)
}

/// Three weeks of buying before the lunar new year; then makers and carriers rest, wherever goods go.
fn lunar(to: Country, date: Date) -> u64 {
    let year = LUNAR_NEW_YEARS.iter().find(|(year, ..)| *year == date.year());
    let Some((year, month, day)) = year else { return 100 };
    let first = Date::constant(*year, *month, *day);
    let days = first.until(date).map_or(i32::MAX, |span| span.get_days());
    let keeps = matches!(to.as_str(), "CN" | "SG" | "MY" | "VN" | "KR");
    match days {
        -21..=-4 if keeps => 125,
        -3..=8 => 45,
        _ => 100,
    }
}

/// The days of a stretch of time with their weights in one market.
#[derive(Debug)]
pub(super) struct Calendar {
    /// The sum of the weights up to and with each day.
    sums: Vec<u64>,
}

impl Calendar {
    pub fn of(to: Country, days: &[Date]) -> Self {
        let mut sum = 0;
        let sums = days.iter().map(|day| {
            sum += weight(to, *day);
            sum
        });
        Self { sums: sums.collect() }
    }

    /// The place of a day, the busier the likelier.
    pub fn pick(&self, chance: &mut Random) -> usize {
        let drawn = chance.below(self.sums.last().copied().unwrap_or(0));
        self.sums.partition_point(|sum| *sum <= drawn).min(self.sums.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_eleventh_of_november_is_the_fullest_day_and_the_month_of_fasting_is_found() {
        let my: Country = "MY".parse().expect("a country");
        // a Wednesday in November: 103 × 118 × 8; the day after the neighbours of the peak: Friday, 99 × 118
        assert_eq!(weight(my, date(2026, 11, 11)), 97_232);
        assert_eq!(weight(my, date(2026, 11, 13)), 11_682);
        // 1 Ramadan 1447 was 18 or 19 February 2026, 1 Syawal 20 or 21 March
        assert_eq!(tabular(date(2026, 2, 18)), (9, 1));
        assert_eq!(tabular(date(2026, 3, 20)), (10, 1));
        assert_eq!(tabular(date(2025, 3, 31)).0, 10);
        let year: Vec<Date> = date(2026, 1, 1).series(jiff::Span::new().days(1)).take(365).collect();
        let fullest = year.iter().max_by_key(|day| weight(my, **day));
        assert_eq!(fullest, Some(&date(2026, 11, 11)));
    }
}
