//! A bill of materials as a person types it: numbered rows, each fault beside its field.

use std::collections::BTreeMap;

use trade::codes::{Country, HsCode};
use trade::money::{Currency, Money};
use trade::origin::{AgreementId, Bill, Costs, MATERIALS_MAX, Material};
use trade::product::Product;
use trade::quantity::Grams;

use super::{not_taken, typed};
use crate::problem::Failure;

/// What is wrong, by the name of the field: `value_3`.
pub type Faults = BTreeMap<String, Failure>;

/// Empty rows below those that are filled.
const SPARE: usize = 3;

#[derive(Clone, Default)]
pub struct BillForm {
    pub fob: String,
    pub wholly_obtained: bool,
    pub rows: Vec<RowForm>,
    pub labour: String,
    pub overhead: String,
    pub profit: String,
    pub other: String,
}

#[derive(Clone, Default)]
pub struct RowForm {
    /// From 1, as it is told.
    pub number: usize,
    pub description: String,
    pub quantity: String,
    pub hs: String,
    pub value: String,
    pub origin: String,
    pub weight: String,
    pub proved: Vec<String>,
}

impl RowForm {
    fn is_empty(&self) -> bool {
        [&self.description, &self.quantity, &self.hs, &self.value, &self.origin, &self.weight]
            .iter()
            .all(|text| text.trim().is_empty())
    }

    pub fn is_proved(&self, agreement: &str) -> bool {
        self.proved.iter().any(|one| one == agreement)
    }
}

impl BillForm {
    pub fn of(product: &Product) -> Self {
        let Some(bill) = &product.bill else {
            // The seller's price is a first word on what a piece costs free on board.
            return Self { fob: typed(product.goods.price), ..Self::default() }.with_spare_rows();
        };
        let rows = (1..).zip(&bill.materials).map(|(number, material)| RowForm {
            number,
            description: material.description.clone(),
            quantity: material.quantity.clone().unwrap_or_default(),
            hs: material.hs.as_ref().map(ToString::to_string).unwrap_or_default(),
            value: typed(Some(material.value)),
            origin: material.origin.map(|country| country.to_string()).unwrap_or_default(),
            weight: material.weight.map(|grams| grams.0.to_string()).unwrap_or_default(),
            proved: material.proved.iter().map(ToString::to_string).collect(),
        });
        let Costs { labour, overhead, profit, other } = bill.costs;
        let form = Self {
            fob: typed(Some(bill.fob)),
            wholly_obtained: bill.wholly_obtained,
            rows: rows.collect(),
            labour: typed(labour),
            overhead: typed(overhead),
            profit: typed(profit),
            other: typed(other),
        };
        form.with_spare_rows()
    }

    pub fn from_pairs(pairs: &[(String, String)]) -> Self {
        let said =
            |name: &str| pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim()).to_owned();
        let row = |number: usize| RowForm {
            number,
            description: said(&format!("description_{number}")),
            quantity: said(&format!("quantity_{number}")),
            hs: said(&format!("hs_{number}")),
            value: said(&format!("value_{number}")),
            origin: said(&format!("origin_{number}")).to_uppercase(),
            weight: said(&format!("weight_{number}")),
            proved: pairs
                .iter()
                .filter(|(key, _)| *key == format!("proved_{number}"))
                .map(|(_, id)| id.clone())
                .collect(),
        };
        let mut rows: Vec<RowForm> = (1..=MATERIALS_MAX + SPARE).map(row).filter(|row| !row.is_empty()).collect();
        for (number, row) in (1..).zip(&mut rows) {
            row.number = number;
        }
        let form = Self {
            fob: said("fob"),
            wholly_obtained: !said("wholly_obtained").is_empty(),
            rows,
            labour: said("labour"),
            overhead: said("overhead"),
            profit: said("profit"),
            other: said("other"),
        };
        form.with_spare_rows()
    }

    fn with_spare_rows(mut self) -> Self {
        let filled = self.rows.len();
        self.rows.extend((filled + 1..=filled + SPARE).map(|number| RowForm { number, ..RowForm::default() }));
        self
    }

    pub fn costs(&self) -> [(&'static str, &str); 4] {
        [("labour", &self.labour), ("overhead", &self.overhead), ("profit", &self.profit), ("other", &self.other)]
    }

    /// The bill in `currency`; none where nothing is stated but the price.
    ///
    /// # Errors
    /// Every field that is not taken.
    pub fn bill(&self, currency: Currency) -> Result<Option<Bill>, Faults> {
        let mut faults = Faults::new();
        let mut read = Read { currency, faults: &mut faults };
        let filled: Vec<&RowForm> = self.rows.iter().filter(|row| !row.is_empty()).collect();
        if filled.is_empty() && !self.wholly_obtained && self.costs().iter().all(|(_, text)| text.is_empty()) {
            return Ok(None);
        }
        let fob = read.needed_amount("fob".to_owned(), "fob", &self.fob);
        let materials: Vec<Option<Material>> = filled.into_iter().map(|row| read.material(row)).collect();
        let [labour, overhead, profit, other] =
            self.costs().map(|(field, text)| read.amount(field.to_owned(), field, text));
        let costs = Costs { labour, overhead, profit, other };
        let materials: Option<Vec<Material>> = materials.into_iter().collect();
        match (fob, materials) {
            (Some(fob), Some(materials)) if faults.is_empty() => {
                Ok(Some(Bill { fob, wholly_obtained: self.wholly_obtained, materials, costs }))
            }
            _ => Err(faults),
        }
    }
}

struct Read<'a> {
    currency: Currency,
    faults: &'a mut Faults,
}

impl Read<'_> {
    fn fault<T>(&mut self, at: String, failure: Failure) -> Option<T> {
        self.faults.insert(at, failure);
        None
    }

    fn amount(&mut self, at: String, field: &'static str, text: &str) -> Option<Money> {
        if text.is_empty() {
            return None;
        }
        match Money::parse(text, self.currency) {
            Ok(amount) => Some(amount),
            Err(_) => self.fault(at, not_taken(field, text)),
        }
    }

    fn needed_amount(&mut self, at: String, field: &'static str, text: &str) -> Option<Money> {
        if text.is_empty() {
            return self.fault(at, Failure::bad("value-missing").with("field", field));
        }
        self.amount(at, field, text)
    }

    fn material(&mut self, row: &RowForm) -> Option<Material> {
        let at = |field: &str| format!("{field}_{}", row.number);
        let value = self.needed_amount(at("value"), "material-value", &row.value);
        let hs = match row.hs.as_str() {
            "" => None,
            text => match text.parse::<HsCode>() {
                Ok(code) => Some(code),
                Err(error) => self.fault(at("hs"), Failure::of(&error)),
            },
        };
        let origin = match row.origin.as_str() {
            "" => None,
            text => match text.parse::<Country>() {
                Ok(country) => Some(country),
                Err(error) => self.fault(at("origin"), Failure::of(&error)),
            },
        };
        let weight = match row.weight.as_str() {
            "" => None,
            text => match text.parse::<i64>() {
                Ok(grams) if grams > 0 => Some(Grams(grams)),
                _ => self.fault(at("weight"), not_taken("weight", text)),
            },
        };
        if row.description.is_empty() {
            self.fault::<()>(at("description"), Failure::bad("value-missing").with("field", "description"));
        }
        let proved: Vec<AgreementId> = row.proved.iter().filter_map(|id| id.parse().ok()).collect();
        let quantity = Some(row.quantity.clone()).filter(|text| !text.is_empty());
        Some(Material { description: row.description.clone(), quantity, hs, value: value?, origin, weight, proved })
    }
}
