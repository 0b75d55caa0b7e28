//! What makes goods dangerous on their way: lithium batteries, liquids that burn. What must be known of
//! which goods, and how they then go, stands in `rulebooks/transport/`.

mod named;
mod transport;

use serde::{Deserialize, Serialize};

pub use self::transport::{Carriage, Transport};

/// What a seller says of dangers in its goods. What is not said is asked where the goods call for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hazards {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub battery: Option<Battery>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liquid: Option<Liquid>,
}

impl Hazards {
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.battery.is_none() && self.liquid.is_none()
    }
}

/// The lithium battery of one piece, or that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Battery {
    pub chemistry: Chemistry,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packed: Option<PackedHow>,
    /// Its energy in thousandths of a watt-hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milliwatt_hours: Option<i64>,
    /// How far it is charged when it is handed over, in per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chemistry {
    /// There is no lithium battery.
    None,
    /// Can be charged again.
    Ion,
    /// Cannot.
    Metal,
}

impl Chemistry {
    pub const ALL: [(&'static str, Self); 3] = [("none", Self::None), ("ion", Self::Ion), ("metal", Self::Metal)];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ion => "ion",
            Self::Metal => "metal",
        }
    }
}

/// How a battery lies in its package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackedHow {
    Alone,
    With,
    In,
    /// It drives a vehicle.
    Vehicle,
}

impl PackedHow {
    pub const ALL: [(&'static str, Self); 4] =
        [("alone", Self::Alone), ("with", Self::With), ("in", Self::In), ("vehicle", Self::Vehicle)];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Alone => "alone",
            Self::With => "with",
            Self::In => "in",
            Self::Vehicle => "vehicle",
        }
    }
}

/// Whether one piece holds a liquid; how much stands under its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Liquid {
    pub form: LiquidForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flammable: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LiquidForm {
    /// There is none.
    None,
    Liquid,
    /// Under pressure.
    Aerosol,
}

impl LiquidForm {
    pub const ALL: [(&'static str, Self); 3] =
        [("none", Self::None), ("liquid", Self::Liquid), ("aerosol", Self::Aerosol)];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Liquid => "liquid",
            Self::Aerosol => "aerosol",
        }
    }
}

/// More energy than any battery that one piece can have: a large electric car's is 200 kWh.
pub const MILLIWATT_HOURS_MAX: i64 = 1_000_000_000;

/// Why what is said of dangers cannot be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum HazardFault {
    ChargeOutOfRange {
        got: u8,
    },
    WattHoursOutOfRange {
        got: i64,
    },
    /// Something is said of a battery that is not there.
    NoSuchBattery {},
}

impl Hazards {
    /// # Errors
    /// A charge above 100 %, no or an absurd energy, or details of no battery.
    pub fn check(&self) -> Result<(), HazardFault> {
        let Some(battery) = self.battery else { return Ok(()) };
        if let Some(got) = battery.charge.filter(|charge| *charge > 100) {
            return Err(HazardFault::ChargeOutOfRange { got });
        }
        if let Some(got) = battery.milliwatt_hours.filter(|mwh| !(1..=MILLIWATT_HOURS_MAX).contains(mwh)) {
            return Err(HazardFault::WattHoursOutOfRange { got });
        }
        let details = battery.packed.is_some() || battery.milliwatt_hours.is_some() || battery.charge.is_some();
        if battery.chemistry == Chemistry::None && details {
            return Err(HazardFault::NoSuchBattery {});
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
