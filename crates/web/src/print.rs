//! What every paper has that a hub prints: words in the reader's language with the English beside
//! them for printers that have not the letters, and the PDF as the browser shows it.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use papers::pdf::Text;

use crate::AppState;
use crate::i18n::{Lang, Tr};

/// The language that every printer has the letters of.
#[must_use]
pub fn english(app: &AppState) -> Tr {
    Tr::new(Lang::En, app.site().zone.clone())
}

/// A word in the reader's language, with the English one where the printer has not the letters.
#[must_use]
pub fn both(t: &Tr, en: &Tr, key: &str) -> Text {
    in_latin(t.s(key), en.s(key))
}

/// A text, and what is printed where the printer has not its letters.
#[must_use]
pub fn in_latin(text: impl Into<String>, latin: impl Into<String>) -> Text {
    Text { text: text.into(), latin: Some(latin.into()) }
}

/// A paper, shown by the browser under its number.
pub fn pdf(number: &str, bytes: Vec<u8>) -> Response {
    let shown = format!("inline; filename=\"{number}.pdf\"");
    ([(header::CONTENT_TYPE, "application/pdf".to_owned()), (header::CONTENT_DISPOSITION, shown)], bytes)
        .into_response()
}
