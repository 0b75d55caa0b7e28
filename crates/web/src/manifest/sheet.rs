//! The manifest on paper.

use axum::extract::{Path, State};
use axum::response::Response;
use papers::manifest::{ManifestRow, ManifestSheet, ManifestWords, manifest_pdf};
use papers::pdf::Text;
use trade::manifest::Manifest;

use super::find;
use crate::AppState;
use crate::auth::Signed;
use crate::i18n::Tr;
use crate::page::Ask;
use crate::print::{self, both, english, in_latin};
use crate::problem::{Answer, Failure};

/// GET /manifests/{id}/manifest.pdf
pub async fn download(
    State(app): State<AppState>,
    ask: Ask,
    Signed(party): Signed,
    Path(id): Path<String>,
) -> Answer<Response> {
    let manifest = find(&app, &party, &id).await?;
    let (t, en) = (ask.tr(&app), english(&app));
    let peer = app.hub.peer(&manifest.peer).await?.map(|peer| peer.card.name);
    let own = in_latin(&app.site().name, app.site().id.as_str());
    let other = in_latin(peer.unwrap_or_else(|| manifest.peer.to_string()), manifest.peer.as_str());
    let (exporter, importer) =
        if manifest.side == trade::trade_file::Side::Export { (own, other) } else { (other, own) };
    // Times are printed in letters that every printer has.
    let sheet = sheet(&en, &manifest, exporter, importer);
    let pdf = manifest_pdf(&sheet, &words(&t, &en)).map_err(|refusal| Failure::of(&refusal))?;
    Ok(print::pdf(manifest.id.master(), pdf))
}

fn sheet(en: &Tr, manifest: &Manifest, exporter: Text, importer: Text) -> ManifestSheet {
    let voyage = &manifest.voyage;
    let rows = manifest.bags.iter().flat_map(|bag| {
        bag.parcels.iter().map(|parcel| ManifestRow {
            bag: bag.no.clone(),
            seal: bag.seal.to_string(),
            waybill: parcel.waybill.clone(),
            gross: parcel.gross,
        })
    });
    ManifestSheet {
        master: manifest.id.master().to_owned(),
        vehicle: voyage.carriage.vehicle().to_owned(),
        from: voyage.from.to_string(),
        to: voyage.to.to_string(),
        departs: en.time(voyage.departs_at),
        arrives: en.time(voyage.arrives_at),
        exporter,
        importer,
        bags: manifest.bags.len(),
        gross: manifest.gross(),
        rows: rows.collect(),
    }
}

fn words(t: &Tr, en: &Tr) -> ManifestWords {
    let w = |key: &str| both(t, en, key);
    ManifestWords {
        title: w("manifest-title"),
        master: w("manifest-master"),
        vehicle: w("manifest-vehicle"),
        from: w("manifest-from"),
        to: w("manifest-to"),
        departs: w("manifest-departs"),
        arrives: w("manifest-arrives"),
        exporter: w("manifest-exporter"),
        importer: w("manifest-importer"),
        bags: w("manifest-bags"),
        parcels: w("bag-parcels"),
        gross: w("field-gross-weight"),
        bag: w("bag-number"),
        seal: w("bag-seal"),
        waybill: w("custody-waybill"),
    }
}
