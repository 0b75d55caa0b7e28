//! Rows on their way into storage: all of a noun's in one statement.
//!
//! They travel as one JSON array of arrays in `$1`; payload bytes lie one after the other in `$2`
//! and a row holds where its own begin (from 1) and how many they are.

use std::collections::BTreeSet;
use std::fmt::{Display, Write as _};

use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection};

use crate::db::{Db, StoreError};

/// Many rows of one statement.
#[derive(Clone, Debug)]
pub struct Rows {
    json: String,
    bytes: Option<Vec<u8>>,
    count: usize,
    fields: usize,
}

/// Bytes of a row beside its payload, most often.
const ROW_ROOM: usize = 96;

impl Default for Rows {
    fn default() -> Self {
        Self::new()
    }
}

impl Rows {
    #[must_use]
    pub fn new() -> Self {
        Self { json: String::from("["), bytes: None, count: 0, fields: 0 }
    }

    /// With room for so many rows, and so many bytes of payload in each.
    #[must_use]
    pub fn with_room(rows: usize, payload: usize) -> Self {
        let mut json = String::with_capacity(rows * ROW_ROOM);
        json.push('[');
        Self { json, bytes: Some(Vec::with_capacity(rows * payload)), ..Self::new() }
    }

    /// Begins the next row; its fields follow in the order of `value ->> 0`, `value ->> 1` …
    pub fn row(&mut self) -> &mut Self {
        self.end();
        if self.count > 0 {
            self.json.push(',');
        }
        self.json.push('[');
        self.count += 1;
        self.fields = 0;
        self
    }

    fn end(&mut self) {
        if self.count > 0 {
            self.json.push(']');
        }
    }

    fn comma(&mut self) {
        if self.fields > 0 {
            self.json.push(',');
        }
        self.fields += 1;
    }

    /// An id or a code. PostgreSQL's JSON knows no U+0000, so none may be in it; none ever is.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.comma();
        let plain = text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\');
        if plain {
            self.json.push('"');
            self.json.push_str(text);
            self.json.push('"');
        } else {
            self.json.push_str(&serde_json::Value::from(text.replace('\0', "")).to_string());
        }
        self
    }

    pub fn shown(&mut self, value: &impl Display) -> &mut Self {
        self.text(&value.to_string())
    }

    pub fn int(&mut self, number: i64) -> &mut Self {
        self.comma();
        write!(self.json, "{number}").expect("a string takes all");
        self
    }

    pub fn null(&mut self) -> &mut Self {
        self.comma();
        self.json.push_str("null");
        self
    }

    pub fn text_or_null(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    pub fn int_or_null(&mut self, number: Option<i64>) -> &mut Self {
        match number {
            Some(number) => self.int(number),
            None => self.null(),
        }
    }

    /// Payload: takes two fields, where it begins and how long it is.
    pub fn bytes(&mut self, payload: &[u8]) -> &mut Self {
        let start = self.payload().len();
        self.payload().extend_from_slice(payload);
        self.span(start)
    }

    /// Payload written as JSON in place.
    pub fn json(&mut self, value: &impl Serialize) -> &mut Self {
        let start = self.payload().len();
        serde_json::to_writer(self.payload(), value).expect("nouns have text keys only");
        self.span(start)
    }

    fn payload(&mut self) -> &mut Vec<u8> {
        self.bytes.get_or_insert_default()
    }

    fn span(&mut self, start: usize) -> &mut Self {
        let length = self.payload().len() - start;
        let fits = |n: usize| i64::try_from(n).expect("a payload is in memory");
        self.int(fits(start) + 1).int(fits(length))
    }

    /// The statement that writes them.
    #[must_use]
    pub fn into_statement(mut self, sql: &'static str) -> Statement {
        self.end();
        self.json.push(']');
        Statement { sql, json: self.json, bytes: self.bytes, rows: self.count }
    }
}

/// One write: SQL over `{rows}`, and `$2` where it has payload. Plain data, so that it can be tried again.
#[derive(Clone, Debug)]
pub struct Statement {
    sql: &'static str,
    json: String,
    bytes: Option<Vec<u8>>,
    rows: usize,
}

impl Statement {
    /// The payload, when it is written and no longer needed here.
    pub fn into_payload(self) -> Vec<u8> {
        self.bytes.unwrap_or_default()
    }

    /// Runs it; a statement without rows is left out.
    pub async fn run(&self, db: &Db, conn: &mut AnyConnection) -> Result<u64, StoreError> {
        if self.rows == 0 {
            return Ok(0);
        }
        let mut query = sqlx::query::<Any>(db.sql(self.sql)).bind(self.json.as_str());
        if let Some(bytes) = &self.bytes {
            query = query.bind(bytes.as_slice());
        }
        Ok(query.execute(conn).await?.rows_affected())
    }

    /// Runs it for the rows it gives.
    pub async fn fetch(&self, db: &Db, conn: &mut AnyConnection) -> Result<Vec<AnyRow>, StoreError> {
        if self.rows == 0 {
            return Ok(Vec::new());
        }
        Ok(sqlx::query::<Any>(db.sql(self.sql)).bind(self.json.as_str()).fetch_all(conn).await?)
    }
}

/// Reads the rows of many keys: `sql` names them as `(SELECT value ->> 0 FROM {rows})`.
pub async fn by_keys<K: Display>(
    db: &Db,
    conn: &mut AnyConnection,
    sql: &'static str,
    keys: &BTreeSet<K>,
) -> Result<Vec<AnyRow>, StoreError> {
    let mut rows = Rows::new();
    for key in keys {
        rows.row().shown(key);
    }
    rows.into_statement(sql).fetch(db, conn).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_travel_as_one_array_with_their_bytes_beside() {
        let mut rows = Rows::new();
        rows.row().text("a").int(-1).bytes(b"xyz");
        rows.row().text("b\"\n").null().json(&true);
        let statement = rows.into_statement("");
        assert_eq!(statement.json, r#"[["a",-1,1,3],["b\"\n",null,4,4]]"#);
        assert_eq!(statement.bytes.as_deref(), Some(&b"xyztrue"[..]));
        assert_eq!(Rows::new().into_statement("").json, "[]");
    }
}
