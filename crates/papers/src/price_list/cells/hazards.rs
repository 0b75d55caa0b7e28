//! Columns on dangers: battery, liquid. What is not said is asked later, where the goods call for it.

use trade::hazard::{Battery, Chemistry, Hazards, Liquid, LiquidForm, MILLIWATT_HOURS_MAX, PackedHow};
use trade::money::parse_fixed;

use super::super::headers::Field;
use super::super::sheet::Cell;
use super::{FaultKind, Read, Reading, keep, letters, plain};
use crate::price_list::RowFault;

/// Words for kinds of batteries, without blanks and signs.
const CHEMISTRIES: &[(Chemistry, &[&str])] = &[
    (Chemistry::None, &["none", "no", "without", "tiada", "tidak", "无", "没有", "否"]),
    (
        Chemistry::Ion,
        &["ion", "liion", "lithiumion", "litiumion", "rechargeable", "lipo", "锂离子", "锂离子电池", "可充电"],
    ),
    (
        Chemistry::Metal,
        &["metal", "lithiummetal", "litiumlogam", "logam", "buttoncell", "锂金属", "锂金属电池", "纽扣电池"],
    ),
];

const PACKINGS: &[(PackedHow, &[&str])] = &[
    (PackedHow::Alone, &["alone", "loose", "berasingan", "单独", "单独包装"]),
    (PackedHow::With, &["with", "withequipment", "bersama", "bersamaperalatan", "与设备同包装", "同包装"]),
    (PackedHow::In, &["in", "inequipment", "builtin", "dalam", "didalam", "dalamperalatan", "内置", "装在设备中"]),
    (PackedHow::Vehicle, &["vehicle", "kenderaan", "车辆"]),
];

const LIQUIDS: &[(LiquidForm, &[&str])] = &[
    (LiquidForm::None, &["none", "no", "tiada", "tidak", "无", "没有", "否"]),
    (LiquidForm::Liquid, &["liquid", "yes", "cecair", "ya", "液体", "是"]),
    (LiquidForm::Aerosol, &["aerosol", "spray", "penyembur", "气雾剂", "喷雾"]),
];

const ANSWERS: &[(bool, &[&str])] = &[
    (true, &["yes", "y", "true", "flammable", "ya", "mudahterbakar", "是", "易燃"]),
    (false, &["no", "n", "false", "notflammable", "tidak", "否", "不易燃"]),
];

impl Reading<'_> {
    /// What the row says of dangers.
    pub(super) fn hazards(&self, faults: &mut Vec<RowFault>) -> Hazards {
        let chemistry = keep(self.word(Field::Battery, CHEMISTRIES, FaultKind::NotABattery), faults);
        let packed = keep(self.word(Field::BatteryPacked, PACKINGS, FaultKind::NotAPacking), faults);
        let energy = keep(self.one(Field::WattHours, |_, cell| watt_hours(cell)), faults);
        let charge = keep(self.one(Field::Charge, |_, cell| charge(cell)), faults);
        let form = keep(self.word(Field::Liquid, LIQUIDS, FaultKind::NotALiquid), faults);
        let flammable = keep(self.word(Field::Flammable, ANSWERS, FaultKind::NotYesOrNo), faults);
        let battery = chemistry.map(|chemistry| match chemistry {
            Chemistry::None => Battery { chemistry, packed: None, milliwatt_hours: None, charge: None },
            _ => Battery { chemistry, packed, milliwatt_hours: energy, charge },
        });
        // Whoever says that something burns or not says that there is something.
        let form = form.or(flammable.map(|_| LiquidForm::Liquid));
        let liquid = form.map(|form| Liquid { form, flammable: flammable.filter(|_| form != LiquidForm::None) });
        Hazards { battery, liquid }
    }

    fn word<T: Copy>(&self, field: Field, known: &[(T, &[&str])], fault: FaultKind) -> Read<T> {
        self.one(field, |_, cell| {
            let word = letters(&plain(&cell.text));
            known.iter().find(|(_, words)| words.contains(&word.as_str())).map(|(value, _)| *value).ok_or(fault)
        })
    }
}

/// `37`, `37.5 Wh`: thousandths of a watt-hour.
fn watt_hours(cell: &Cell) -> Result<i64, FaultKind> {
    let text = plain(&cell.text).to_lowercase();
    let number = text.trim_end_matches("wh").trim();
    parse_fixed(number, 3).ok().filter(|n| (1..=MILLIWATT_HOURS_MAX).contains(n)).ok_or(FaultKind::NotWattHours)
}

/// `30`, `30 %`. A spreadsheet keeps 30 % as 0.3; that could be three in a thousand, and is asked.
fn charge(cell: &Cell) -> Result<u8, FaultKind> {
    let text = plain(&cell.text);
    let number = text.trim_end_matches('%').trim();
    number.parse::<u8>().ok().filter(|n| *n <= 100).ok_or(FaultKind::NotACharge)
}
