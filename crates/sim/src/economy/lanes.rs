//! Where firms are at home and where they sell: weights that are the operator's samples. Of the parcels into the
//! European Union 91 of 100 come from China, as the Commission counted for 2024; the weights keep to that:
//! 60 × 22 / 100 from China against 40 × 3 / 98 from elsewhere, 13.2 : 1.2.

use trade::codes::Country;

/// Homes of firms, in parts of a hundred.
pub(super) const HOMES: [(&str, u64); 12] = [
    ("CN", 60),
    ("MY", 8),
    ("VN", 5),
    ("TH", 5),
    ("JP", 5),
    ("ID", 4),
    ("KR", 4),
    ("SG", 3),
    ("PH", 2),
    ("US", 2),
    ("AU", 1),
    ("GB", 1),
];

/// Markets, as firms of China go to them and as all others do.
const MARKETS: [(&str, u64, u64); 14] = [
    ("EU", 22, 3),
    ("US", 16, 8),
    ("GB", 8, 3),
    ("KR", 8, 5),
    ("MY", 7, 10),
    ("JP", 6, 6),
    ("TH", 6, 9),
    ("VN", 6, 7),
    ("AU", 5, 5),
    ("SG", 5, 13),
    ("ID", 5, 10),
    ("PH", 4, 8),
    ("NZ", 2, 2),
    ("CN", 0, 9),
];

/// How gladly a firm of `home` sells to a market.
pub(super) fn pull(home: Country, to: Country) -> u64 {
    let market = MARKETS.iter().find(|(market, ..)| *market == to.as_str());
    market.map_or(1, |(_, from_china, other)| if home == Country::CN { *from_china } else { *other })
}

/// Member states in proportion to those who buy there, about a person in a million and a half; all others 1.
pub(super) fn buyers_of(member: Country) -> u64 {
    match member.as_str() {
        "DE" => 56,
        "FR" => 45,
        "IT" => 39,
        "ES" => 32,
        "PL" => 24,
        "RO" => 13,
        "NL" => 12,
        "BE" => 8,
        "CZ" | "SE" | "PT" | "GR" | "HU" => 7,
        "AT" => 6,
        "BG" | "DK" | "FI" | "SK" | "IE" => 4,
        "HR" => 3,
        "LT" => 2,
        _ => 1,
    }
}

/// Whether a parcel stays within East and South-East Asia, by whose distances freight is cheap.
pub(super) fn near(from: Country, to: Country) -> bool {
    let within = |country: Country| {
        matches!(country.as_str(), "CN" | "MY" | "SG" | "TH" | "VN" | "ID" | "PH" | "JP" | "KR" | "HK" | "TW")
    };
    within(from) && within(to)
}

/// Whether trucks go from one to the other.
pub(super) fn by_road(from: Country, to: Country) -> bool {
    const ROADS: [(&str, &str); 4] = [("MY", "SG"), ("MY", "TH"), ("CN", "VN"), ("TH", "SG")];
    let (from, to) = (from.as_str(), to.as_str());
    ROADS.iter().any(|road| *road == (from, to) || *road == (to, from))
}
