//! Which movements of goods under customs control are allowed, and on which form.

use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::load::Common;
use super::reader::Fields;
use super::{RuleInfo, Rulebook};

/// Where goods stand with customs while somebody keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CustomsState {
    /// Goods of the territory, free to be used or sold in it.
    Domestic,
    /// In a licensed warehouse, duty not paid.
    Bonded,
    FreeZone,
    /// On the way under customs control.
    UnderTransit,
    /// Has left the territory.
    Exported,
    /// Cleared at import, and free since.
    Released,
}

impl CustomsState {
    pub const ALL: [Self; 6] =
        [Self::Domestic, Self::Bonded, Self::FreeZone, Self::UnderTransit, Self::Exported, Self::Released];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Domestic => "domestic",
            Self::Bonded => "bonded",
            Self::FreeZone => "free-zone",
            Self::UnderTransit => "under-transit",
            Self::Exported => "exported",
            Self::Released => "released",
        }
    }

    pub(super) fn names() -> [(&'static str, Self); 6] {
        Self::ALL.map(|state| (state.code(), state))
    }
}

impl std::str::FromStr for CustomsState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.code() == text).ok_or(())
    }
}

/// The customs form on which goods pass from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CustomsForm {
    /// No form: the goods do not pass a border of customs.
    None,
    K1,
    K2,
    K8,
    K9,
    /// The export declaration of the trade itself.
    ExportDeclaration,
}

impl CustomsForm {
    pub(super) const ALL: [(&'static str, Self); 6] = [
        ("none", Self::None),
        ("k1", Self::K1),
        ("k2", Self::K2),
        ("k8", Self::K8),
        ("k9", Self::K9),
        ("export-declaration", Self::ExportDeclaration),
    ];

    #[must_use]
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(_, form)| *form == self).map_or("", |(code, _)| *code)
    }

    /// Whether it has a number that whoever moves the goods must give.
    #[must_use]
    pub const fn has_number(self) -> bool {
        !matches!(self, Self::None | Self::ExportDeclaration)
    }
}

/// Goods may pass from one state to another, on a form. What no rule names is not allowed.
#[derive(Clone, Debug)]
pub struct StockMoveRule {
    pub info: Arc<RuleInfo>,
    pub from: CustomsState,
    pub to: CustomsState,
    pub form: CustomsForm,
}

impl StockMoveRule {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common) -> Option<Self> {
        let from = f.one_of("from", &CustomsState::names());
        let to = f.one_of("to", &CustomsState::names());
        let form = f.one_of("form", &CustomsForm::ALL);
        Some(Self { info: common.info.clone(), from: from?, to: to?, form: form? })
    }
}

impl Rulebook {
    /// The rule by which goods may pass from one state to another on a day; none where it is not allowed.
    #[must_use]
    pub fn stock_move(&self, from: CustomsState, to: CustomsState, date: Date) -> Option<&StockMoveRule> {
        self.stock_moves.iter().find(|rule| rule.from == from && rule.to == to && rule.info.holds_on(date))
    }
}
