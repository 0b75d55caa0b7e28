//! What goods may lack on a lane, and what is said of dangers in them.

use trade::codes::Country;
use trade::hazard::{Battery, Chemistry, Hazards, Liquid, LiquidForm, PackedHow};
use trade::readiness::{BatteryDetail, Gap};
use trade::rulebook::{DataField, Direction, PermitKind, Regime};

use super::{hs, rule};

pub fn gaps() -> Vec<Gap> {
    each_variant!(Gap:
        HsMissing { rule: rule() },
        HsTooShort { got: "33".to_owned(), digits: 6, rule: rule() },
        HsNotInEdition { hs: hs(), edition: 2022, instead: vec![hs()], rule: rule() },
        VagueDescription { word: "goods".to_owned(), rule: rule() },
        DescriptionTooShort { rule: rule() },
        OriginMissing { rule: rule() },
        WeightMissing { rule: rule() },
        NoPrice { rule: rule() },
        ContentMissing { rule: rule() },
        StrengthMissing { rule: rule() },
        ListUnknown { hs: hs() },
        RateUnknown { hs: hs(), rule: Some(rule()) },
        RegimeUnknown { territory: Country::CN, regime: Regime::B2cParcel },
        Prohibited { territory: Country::CN, direction: Direction::Import, rule: rule() },
        PermitNeeded {
            territory: Country::CN,
            direction: Direction::Import,
            rule: rule(),
            permit: Some(PermitKind::ImportPermit),
        },
        UnverifiedRefused { rule: rule() },
        BatteryUnknown { rule: rule() },
        BatteryDetailMissing { missing: BatteryDetail::WattHours, rule: rule() },
        ChargeTooHigh { got: 50, most: 30, rule: rule() },
        ChargeAdvised { got: 50, most: 30, rule: rule() },
        BatteryGoesAs {
            un: "UN3481".to_owned(),
            instruction: Some("966".to_owned()),
            small: true,
            rule: rule(),
        },
        NotOnPassengerAircraft { un: "UN3480".to_owned(), rule: rule() },
        LiquidUnknown { rule: rule() },
        FlammableGoods { rule: rule() },
        ToldAtEntry { field: DataField::ProductIdentifier, rule: rule() },
    )
}

pub fn hazards() -> Hazards {
    let battery = Battery {
        chemistry: Chemistry::Ion,
        packed: Some(PackedHow::With),
        milliwatt_hours: Some(37_000),
        charge: Some(30),
    };
    Hazards { battery: Some(battery), liquid: Some(Liquid { form: LiquidForm::Liquid, flammable: Some(false) }) }
}
