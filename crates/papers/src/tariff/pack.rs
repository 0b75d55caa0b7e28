//! A checked tariff as files of a rule pack: a rate table for each preference, a version for each period in
//! which the same rates hold.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use toml::Value;
use trade::codes::Country;
use trade::rulebook::Confidence;

use super::{TariffLine, TariffRefusal, TariffTable};

/// Versions of one table: each repeats the rows that go on, so a table that changes weekly is refused.
const PERIODS_MAX: usize = 24;
/// Sources that are named; more are counted.
const SOURCES_TOLD: usize = 5;
/// Rows that are looked up as an example: the first, the one in the middle, the last.
const EXAMPLES: usize = 3;

/// The beginning of every file that is made here; an older one with it is replaced by the next import.
pub const FILE_PREFIX: &str = "tariff-import-";

/// Files of the pack of a territory, by name: `tariff-import-mfn-2026-01-01.toml`.
///
/// # Errors
/// A table has too many periods.
pub fn files(market: Country, table: &TariffTable) -> Result<Vec<(String, String)>, TariffRefusal> {
    let mut by_preference: BTreeMap<Option<&str>, Vec<&TariffLine>> = BTreeMap::new();
    for line in &table.lines {
        by_preference.entry(line.preference.as_deref()).or_default().push(line);
    }
    let mut files = Vec::new();
    for (preference, lines) in by_preference {
        let periods = periods(&lines);
        if periods.len() > PERIODS_MAX {
            let preference = preference.unwrap_or("mfn").to_owned();
            return Err(TariffRefusal::TariffTooManyPeriods { preference, got: periods.len(), max: PERIODS_MAX });
        }
        for (from, to) in periods {
            let held: Vec<&TariffLine> = lines.iter().copied().filter(|line| holds(line, from)).collect();
            if !held.is_empty() {
                let name = format!("{FILE_PREFIX}{}-{from}.toml", preference.unwrap_or("mfn"));
                files.push((name, file(market, preference, from, to, &held)));
            }
        }
    }
    Ok(files)
}

fn holds(line: &TariffLine, day: Date) -> bool {
    line.from <= day && line.to.is_none_or(|to| day <= to)
}

/// First and last day of each stretch in which the same rows hold.
fn periods(lines: &[&TariffLine]) -> Vec<(Date, Option<Date>)> {
    let begins = lines.iter().map(|line| line.from);
    let after = lines.iter().filter_map(|line| line.to?.tomorrow().ok());
    let days: BTreeSet<Date> = begins.chain(after).collect();
    let days: Vec<Date> = days.into_iter().collect();
    let last = |i: usize| days.get(i + 1).and_then(|next| next.yesterday().ok());
    days.iter().enumerate().map(|(i, from)| (*from, last(i))).collect()
}

/// The id of the table: `my.duty-table`, `my.duty-table.acfta`.
#[must_use]
pub fn table_id(market: Country, preference: Option<&str>) -> String {
    let id = format!("{}.duty-table", market.as_str().to_ascii_lowercase());
    preference.map_or(id.clone(), |preference| format!("{id}.{preference}"))
}

fn file(market: Country, preference: Option<&str>, from: Date, to: Option<Date>, lines: &[&TariffLine]) -> String {
    let text = |text: &str| Value::String(text.to_owned()).to_string();
    let sources: BTreeSet<&str> = lines.iter().map(|line| line.source.as_str()).collect();
    let mut source = sources.iter().take(SOURCES_TOLD).copied().collect::<Vec<_>>().join("; ");
    if sources.len() > SOURCES_TOLD {
        source.push_str(&format!("; +{}", sources.len() - SOURCES_TOLD));
    }
    // No row is better known than the least of them: a table says one thing of all its rows.
    let known = lines.iter().filter(|line| line.rate.is_some()).map(|line| line.confidence);
    let confidence = known.max_by_key(|confidence| (confidence.knowledge(), *confidence as u8));
    let confidence = confidence.unwrap_or(Confidence::NotFound);
    let proofs: BTreeSet<&str> = lines.iter().filter_map(|line| line.proof.as_deref()).collect();
    let of = preference.map_or(String::new(), |preference| format!(" ({})", preference.to_uppercase()));
    let mut out = String::from("# Imported from a table; the next import replaces this file.\n");
    for proof in proofs {
        out.push_str(&format!("# proof: {}\n", proof.replace(['\n', '\r'], " ")));
    }
    out.push_str("\n[[rate-table]]\n");
    out.push_str(&format!("id = {}\n", text(&table_id(market, preference))));
    out.push_str(&format!("name.en = {}\n", text(&format!("Import duty by tariff line{of}"))));
    out.push_str(&format!("name.ms = {}\n", text(&format!("Duti import mengikut baris tarif{of}"))));
    out.push_str(&format!("name.zh = {}\n", text(&format!("按税目的进口关税{of}"))));
    out.push_str(&format!("valid-from = {from}\n"));
    if let Some(to) = to {
        out.push_str(&format!("valid-to = {to}\n"));
    }
    out.push_str(&format!("source = {}\n", text(&source)));
    out.push_str(&format!("confidence = {}\n", text(confidence.code())));
    out.push_str(&format!("knowledge = {}\n", text(confidence.knowledge().code())));
    out.push_str("by = \"hs\"\nrows = \"\"\"\n");
    for line in lines {
        let rate = line.rate.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
        out.push_str(&format!("{} {rate}\n", line.code));
    }
    out.push_str("\"\"\"\n");
    let known: Vec<&&TariffLine> = lines.iter().filter(|line| line.rate.is_some()).collect();
    let places: BTreeSet<usize> = (0..EXAMPLES).map(|n| known.len().saturating_sub(1) * n / (EXAMPLES - 1)).collect();
    let examples: Vec<&&TariffLine> = places.into_iter().filter_map(|place| known.get(place).copied()).collect();
    if examples.is_empty() {
        out.push_str(&format!("\n[[rate-table.example]]\ncode = {}\nrate = \"?\"\n", text(&lines[0].code)));
    }
    for line in examples {
        let rate = line.rate.as_ref().map_or_else(String::new, ToString::to_string);
        out.push_str(&format!("\n[[rate-table.example]]\ncode = {}\nrate = {}\n", text(&line.code), text(&rate)));
    }
    out
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use trade::rulebook::{Found, HsNumber, Pack, builtin_folders, read_folder};

    use super::super::read;
    use super::*;

    const HEADER: &str = "code,rate,valid-from,valid-to,preference,proof,source,confidence\n";

    fn made(rows: &str) -> Vec<(String, String)> {
        let table = read(format!("{HEADER}{rows}").as_bytes(), |_| true).unwrap();
        files(Country::MY, &table).unwrap()
    }

    #[test]
    fn an_imported_table_loads_with_the_pack_and_gives_its_rates_day_by_day() {
        let rows = "610910,10%,2026-01-01,2026-06-30,,,schedule of 2026,official\n\
                    610910,8%,2026-07-01,,,,schedule of 2026,official\n\
                    04090010,\"MAX(5%, 1.2 USD/kg)\",2026-01-01,,,,press,weak\n\
                    04090090,?,2026-01-01,,,,nobody said,not-found\n\
                    610910,free,2026-01-01,,acfta,Form E,schedule of the agreement,secondary\n";
        let files = made(rows);
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "tariff-import-mfn-2026-01-01.toml",
                "tariff-import-mfn-2026-07-01.toml",
                "tariff-import-acfta-2026-01-01.toml"
            ]
        );
        let mut folder = builtin_folders().into_iter().find(|folder| folder.name == "my").unwrap();
        folder.files.extend(files.into_iter().map(|(name, text)| (name, text.into_bytes())));
        let packs = read_folder(&folder).unwrap();
        let [Pack::Territory(book)] = &packs[..] else { panic!("one pack") };
        let rate = |id: &str, code: &str, day| match book.table(id, day).unwrap().of_code(HsNumber::of(code)) {
            Found::Rate(rate) => rate.to_string(),
            other => format!("{other:?}"),
        };
        let (june, july) = (date(2026, 6, 30), date(2026, 7, 1));
        assert_eq!(rate("my.duty-table", "6109100000", june), "10%");
        assert_eq!(rate("my.duty-table", "6109100000", july), "8%");
        assert_eq!(rate("my.duty-table", "04090010", july), "MAX(5%, 1.2 USD/kg)");
        assert_eq!(rate("my.duty-table", "04090090", july), "Unknown");
        assert_eq!(rate("my.duty-table.acfta", "610910", july), "0%");
        // One weak row, and the table is no better known than that
        let info = book.rule_on("my.duty-table", july).unwrap();
        assert_eq!((info.confidence, &*info.source), (Confidence::Weak, "nobody said; press; schedule of 2026"));
    }

    #[test]
    fn a_national_table_of_seventeen_thousand_lines_is_a_file_of_some_hundred_kilobytes_and_loads() {
        let mut rows = String::new();
        for n in 0..17_000_u32 {
            let code = 1_000_000_000_u64 + u64::from(n) * 350_000;
            rows.push_str(&format!("{code:010},{}%,2026-01-01,,,,schedule,official\n", n % 40));
        }
        let files = made(&rows);
        assert_eq!(files.len(), 1);
        assert!(files[0].1.len() < 400_000, "{}", files[0].1.len());
        let mut folder = builtin_folders().into_iter().find(|folder| folder.name == "my").unwrap();
        folder.files.extend(files.into_iter().map(|(name, text)| (name, text.into_bytes())));
        assert!(read_folder(&folder).is_ok());
    }

    #[test]
    fn rates_that_change_too_often_for_one_pack_are_refused() {
        let day = |n: i64| date(2026, 1, 1).checked_add(jiff::Span::new().days(n)).unwrap();
        let rows: String =
            (0..30).map(|n| format!("610910,{n}%,{},{},,,schedule,official\n", day(2 * n), day(2 * n + 1))).collect();
        let table = read(format!("{HEADER}{rows}").as_bytes(), |_| true).unwrap();
        assert!(matches!(files(Country::MY, &table), Err(TariffRefusal::TariffTooManyPeriods { got: 31, .. })));
    }
}
