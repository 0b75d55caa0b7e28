//! Stock, bags and manifests, with every field filled.

use trade::bag::Bagged;
use trade::codes::{BagNo, Bin, SealNo};
use trade::handling::{CustodyException, ExceptionKind, Handling, Picked, Storage};
use trade::manifest::{Carriage, Consignment, LoadedBag, ManifestId, Voyage};
use trade::quantity::Grams;
use trade::stock::{CountReason, CustomsState, StockDelta, StockKey, StockMove, StockMoveKey, StockMovement};

use super::{AT, id, trade, waybill_no};

pub(super) fn bin() -> Bin {
    "B-A01".parse().expect("well-formed")
}

pub(super) fn seal() -> SealNo {
    "SL-1".parse().expect("well-formed")
}

pub(super) fn manifest_id() -> ManifestId {
    "kul.sandbox:232-12345675".parse().expect("well-formed")
}

pub(super) fn excepted(exception: ExceptionKind) -> CustodyException {
    CustodyException { exception, place: "CNHGH".to_owned(), at: AT }
}

pub(super) fn movements() -> Vec<StockMovement> {
    let (state, form) = (CustomsState::FreeZone, Some("K8-1".parse().expect("well-formed")));
    each_variant!(StockMovement:
        Receive { from: CustomsState::Domestic, to: state, bin: bin(), form: form.clone() },
        Shift { state, from_bin: bin(), to_bin: bin() },
        Clear { bin: bin(), from: state, to: CustomsState::Released, form: form.clone() },
        Pick { trade: trade(), state, bin: bin(), form },
        PutBack { trade: trade(), state, bin: bin() },
        Count { state, bin: bin(), reason: Some(CountReason::Lost) },
    )
}

pub(super) fn stock_move(what: StockMovement) -> StockMove {
    let key = StockMoveKey { warehouse: id(), no: "MV-1".parse().expect("well-formed") };
    let heap = StockKey { warehouse: id(), product: id(), state: CustomsState::Domestic, bin: bin() };
    StockMove { key, product: id(), pieces: 2, what, at: AT, deltas: vec![StockDelta { heap, delta: 2 }] }
}

pub(super) fn carriages() -> Vec<Carriage> {
    let no = || "BL-1".parse().expect("well-formed");
    each_variant!(Carriage:
        Air {
            flight: "MH376".parse().expect("well-formed"),
            awb: "232-12345675".parse().expect("its check digit"),
        },
        Sea { vessel: no(), bill: no() },
        Road { vehicle: no(), bill: no() },
    )
}

pub(super) fn consignment(carriage: Carriage) -> Consignment {
    let (from, to) = ("MYKUL".parse().expect("well-formed"), "CNHGH".parse().expect("well-formed"));
    let parcels = vec![Bagged { trade: trade(), waybill: waybill_no(), gross: Grams(500) }];
    Consignment {
        id: manifest_id(),
        voyage: Voyage { carriage, from, to, departs_at: AT, arrives_at: AT },
        bags: vec![LoadedBag { no: BagNo::issue(1), seal: seal(), parcels }],
        closed_at: AT,
    }
}

pub(super) fn handling() -> Handling {
    Handling {
        storage: Some(Storage { warehouse: id(), name: "Sample".to_owned(), since: AT, bin: Some(bin()) }),
        picked: vec![Picked { product: id(), state: CustomsState::Domestic, pieces: 2 }],
        bag: Some(BagNo::issue(1)),
        manifest: Some(manifest_id()),
        exceptions: ExceptionKind::ALL.map(excepted).to_vec(),
    }
}
