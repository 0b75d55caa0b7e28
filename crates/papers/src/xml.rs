//! XML from and to banks, and from customs: one pass over the elements, under limits, without document types or entities.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use serde::{Deserialize, Serialize};
use trade::money::{Currency, Money, MoneyError};

/// A day's bookings of a hub in one file; some 10,000 entries with details.
pub const MAX_FILE_BYTES: usize = 20 * 1024 * 1024;
/// ISO 20022 messages nest about fifteen deep.
const MAX_DEPTH: usize = 40;
/// The longest text of the messages read here is 2,048 characters.
const MAX_TEXT_CHARS: usize = 4_000;
/// Longer names are no element of ISO 20022.
const MAX_NAME_BYTES: usize = 64;

/// Why a bank's file is not taken, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum XmlRefusal {
    XmlTooLarge {
        bytes: u64,
        max: u64,
    },
    /// ISO 20022 files are UTF-8.
    XmlNotUtf8,
    /// Not well-formed; `detail` is the technical cause.
    XmlBroken {
        line: u32,
        element: String,
        detail: String,
    },
    /// A document type or an entity of its own: never in an ISO 20022 file, and a known attack.
    XmlDocumentType {
        line: u32,
    },
    XmlTooDeep {
        line: u32,
        max: usize,
    },
    XmlTextTooLong {
        line: u32,
        element: String,
        max: usize,
    },
    /// Another message than the one asked for, by the namespace of its root.
    XmlOtherMessage {
        expected: String,
        got: String,
    },
    TooManyTransactions {
        line: u32,
        max: usize,
    },
    /// An element that must be there is not; `element` is its path below the one at `line`.
    ElementMissing {
        line: u32,
        element: String,
    },
    ValueNotTaken {
        line: u32,
        element: String,
        got: String,
    },
    AmountNotTaken {
        line: u32,
        element: String,
        cause: MoneyError,
    },
    /// The file says how many transactions it holds, or their sum, and holds others.
    ControlDiffers {
        line: u32,
        element: String,
        stated: String,
        found: String,
    },
}

/// An element of which the end was just read, or the start.
pub(crate) struct At<'a> {
    /// Local names from the root down, this element last.
    path: &'a [Open],
    /// Trimmed text directly inside.
    pub text: &'a str,
    source: &'a str,
    offset: usize,
}

struct Open {
    name: String,
    currency: Option<String>,
    unit: Option<String>,
    text: String,
}

impl At<'_> {
    pub fn name(&self) -> &str {
        self.path.last().map_or("", |o| o.name.as_str())
    }

    /// Whether the path ends with these names.
    pub fn ends(&self, names: &[&str]) -> bool {
        let skip = self.path.len().checked_sub(names.len());
        skip.is_some_and(|n| self.path[n..].iter().zip(names).all(|(open, name)| open.name == *name))
    }

    /// Whether an element with this name is among the parents.
    pub fn inside(&self, name: &str) -> bool {
        self.path.iter().rev().skip(1).any(|o| o.name == name)
    }

    pub fn line(&self) -> u32 {
        line_at(self.source, self.offset)
    }

    pub fn element(&self) -> String {
        path_text(self.path)
    }

    /// The unit of a measure, by its `unitCode`.
    pub fn attribute_unit(&self) -> Option<&str> {
        self.path.last().and_then(|open| open.unit.as_deref())
    }

    /// The text as an amount in the currency of the `Ccy` or `currencyID` attribute.
    pub fn amount(&self) -> Result<Money, XmlRefusal> {
        let refuse = |cause| XmlRefusal::AmountNotTaken { line: self.line(), element: self.element(), cause };
        let code = self.path.last().and_then(|o| o.currency.as_deref()).unwrap_or_default();
        let currency: Currency = code.parse().map_err(refuse)?;
        let money = Money::parse(self.text, currency).map_err(refuse)?;
        if money.minor() < 0 {
            return Err(refuse(MoneyError::NotAnAmount { got: self.text.chars().take(40).collect() }));
        }
        Ok(money)
    }

    pub fn missing(&self, element: &str) -> XmlRefusal {
        XmlRefusal::ElementMissing { line: self.line(), element: format!("{}/{element}", self.element()) }
    }

    pub fn not_taken(&self) -> XmlRefusal {
        let got = self.text.chars().take(60).collect();
        XmlRefusal::ValueNotTaken { line: self.line(), element: self.element(), got }
    }
}

/// What [`walk`] tells: the start of an element (without text yet) or its end.
pub(crate) enum Step<'a> {
    Start(At<'a>),
    End(At<'a>),
}

/// Reads a file once, in order. The root's namespace must begin with `namespace`; local names are
/// what counts below it, so any prefix will do. Returns the rest of the namespace: the version.
pub(crate) fn walk(
    bytes: &[u8],
    namespace: &str,
    mut see: impl FnMut(Step<'_>) -> Result<(), XmlRefusal>,
) -> Result<String, XmlRefusal> {
    if bytes.len() > MAX_FILE_BYTES {
        let size = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        return Err(XmlRefusal::XmlTooLarge { bytes: size(bytes.len()), max: size(MAX_FILE_BYTES) });
    }
    let source = std::str::from_utf8(bytes).map_err(|_| XmlRefusal::XmlNotUtf8)?;
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let mut reader = quick_xml::Reader::from_str(source);
    reader.config_mut().expand_empty_elements = true;
    let mut path: Vec<Open> = Vec::new();
    let mut version: Option<String> = None;
    let mut closed = false;
    loop {
        let offset = usize::try_from(reader.buffer_position()).unwrap_or(source.len());
        let line = || line_at(source, offset);
        let broken = |path: &[Open], detail: String| XmlRefusal::XmlBroken {
            line: line(),
            element: path_text(path),
            detail: detail.chars().take(200).collect(),
        };
        let event = reader.read_event().map_err(|e| broken(&path, e.to_string()))?;
        match event {
            Event::Start(start) => {
                if closed {
                    return Err(broken(&path, "two roots".to_owned()));
                }
                if path.len() >= MAX_DEPTH {
                    return Err(XmlRefusal::XmlTooDeep { line: line(), max: MAX_DEPTH });
                }
                if path.is_empty() {
                    let got = namespace_of(&start).map_err(|e| broken(&path, e))?;
                    let rest = got.strip_prefix(namespace).map(str::to_owned);
                    version =
                        Some(rest.ok_or_else(|| XmlRefusal::XmlOtherMessage { expected: namespace.to_owned(), got })?);
                }
                let local = start.local_name();
                let name: &str = local.as_ref();
                if name.len() > MAX_NAME_BYTES {
                    return Err(broken(&path, "name too long".to_owned()));
                }
                // ISO 20022 and the WCO name them differently.
                let named = |name| attribute(&start, name).map_err(|e| broken(&path, e));
                let currency = named("Ccy")?.map_or_else(|| named("currencyID"), |ccy| Ok(Some(ccy)))?;
                let unit = named("unitCode")?;
                path.push(Open { name: name.to_owned(), currency, unit, text: String::new() });
                see(Step::Start(At { path: &path, text: "", source, offset }))?;
            }
            Event::End(_) => {
                let text = path.last_mut().map(|o| std::mem::take(&mut o.text)).unwrap_or_default();
                see(Step::End(At { path: &path, text: text.trim(), source, offset }))?;
                path.pop();
                closed = path.is_empty();
            }
            Event::Text(text) => add(&mut path, &text.xml10_content(), line)?,
            Event::CData(text) => add(&mut path, &text.xml10_content(), line)?,
            Event::GeneralRef(reference) => {
                let resolved = reference.resolve_char_ref().map_err(|e| broken(&path, e.to_string()))?;
                let named = match &*reference {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => None,
                };
                let c = resolved.or(named).ok_or_else(|| XmlRefusal::XmlDocumentType { line: line() })?;
                add(&mut path, c.encode_utf8(&mut [0; 4]), line)?;
            }
            Event::DocType(_) => return Err(XmlRefusal::XmlDocumentType { line: line() }),
            Event::Eof if closed => break,
            Event::Eof => return Err(broken(&path, "ends early".to_owned())),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    Ok(version.unwrap_or_default())
}

fn add(path: &mut [Open], text: &str, line: impl Fn() -> u32) -> Result<(), XmlRefusal> {
    let element = path_text(path);
    let Some(open) = path.last_mut() else {
        let stray = !text.trim().is_empty();
        return if stray {
            Err(XmlRefusal::XmlBroken { line: line(), element, detail: "text outside".to_owned() })
        } else {
            Ok(())
        };
    };
    open.text.push_str(text);
    // Blanks between elements are no text, however many.
    if open.text.len() > MAX_TEXT_CHARS && open.text.trim().chars().count() > MAX_TEXT_CHARS {
        return Err(XmlRefusal::XmlTextTooLong { line: line(), element, max: MAX_TEXT_CHARS });
    }
    Ok(())
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    let found = start.try_get_attribute(name).map_err(|e| e.to_string())?;
    let value = found.map(|a| a.normalized_value(XmlVersion::Implicit1_0).map(std::borrow::Cow::into_owned));
    value.transpose().map_err(|e| e.to_string())
}

/// The namespace that the prefix of the root stands for.
fn namespace_of(root: &BytesStart<'_>) -> Result<String, String> {
    let name = root.name();
    let full: &str = name.as_ref();
    let declared = full.split_once(':').map_or("xmlns".to_owned(), |(prefix, _)| format!("xmlns:{prefix}"));
    Ok(attribute(root, &declared)?.unwrap_or_default())
}

fn path_text(path: &[Open]) -> String {
    path.iter().map(|o| o.name.as_str()).collect::<Vec<_>>().join("/")
}

fn line_at(source: &str, offset: usize) -> u32 {
    let before = source.as_bytes().get(..offset).unwrap_or(source.as_bytes());
    u32::try_from(before.iter().filter(|b| **b == b'\n').count()).unwrap_or(u32::MAX).saturating_add(1)
}

/// Writes elements, indented, with text escaped and control characters left out.
pub(crate) struct Out {
    text: String,
    open: Vec<&'static str>,
}

impl Out {
    /// Starts a `Document` in this namespace.
    pub fn document(namespace: &str) -> Self {
        Self::root("Document", &[("", namespace)])
    }

    /// Starts a root with its namespaces, each under its prefix; none is that of names without one.
    pub fn root(name: &'static str, namespaces: &[(&str, &str)]) -> Self {
        let mut text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{name}");
        for (prefix, namespace) in namespaces {
            let colon = if prefix.is_empty() { "" } else { ":" };
            text.push_str(&format!(" xmlns{colon}{prefix}=\"{namespace}\""));
        }
        text.push_str(">\n");
        Self { text, open: vec![name] }
    }

    pub fn open(&mut self, name: &'static str) -> &mut Self {
        self.indent();
        self.text.push_str(&format!("<{name}>\n"));
        self.open.push(name);
        self
    }

    pub fn close(&mut self) -> &mut Self {
        if let Some(name) = self.open.pop() {
            self.indent();
            self.text.push_str(&format!("</{name}>\n"));
        }
        self
    }

    pub fn leaf(&mut self, name: &'static str, text: &str) -> &mut Self {
        self.leaf_with(name, "", text)
    }

    /// A leaf below parents that hold nothing else: `nested(&["Id", "Othr", "Id"], ..)`.
    pub fn nested(&mut self, names: &[&'static str], text: &str) -> &mut Self {
        let Some((last, parents)) = names.split_last() else { return self };
        for name in parents {
            self.open(name);
        }
        self.leaf(last, text);
        for _ in parents {
            self.close();
        }
        self
    }

    pub fn amount(&mut self, name: &'static str, amount: Money) -> &mut Self {
        self.leaf_with(name, &format!(" Ccy=\"{}\"", amount.currency()), &amount.decimal())
    }

    /// A leaf with the unit or currency that its number is in.
    pub fn measured(&mut self, name: &'static str, attribute: &str, unit: &str, text: &str) -> &mut Self {
        self.leaf_with(name, &format!(" {attribute}=\"{unit}\""), text)
    }

    pub fn finish(mut self) -> Vec<u8> {
        while !self.open.is_empty() {
            self.close();
        }
        self.text.into_bytes()
    }

    fn leaf_with(&mut self, name: &'static str, attributes: &str, text: &str) -> &mut Self {
        self.indent();
        let kept: String = text.chars().filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')).collect();
        let escaped = quick_xml::escape::escape(kept.as_str());
        self.text.push_str(&format!("<{name}{attributes}>{escaped}</{name}>\n"));
        self
    }

    fn indent(&mut self) {
        self.text.push_str(&"  ".repeat(self.open.len()));
    }
}

/// Tells whether a written message follows its schema; for tests of the messages.
#[cfg(test)]
pub(crate) mod schema {
    use std::io::Write;
    use std::path::Path;
    use std::process::{Command, Stdio};

    /// What the schema finds wrong: empty if nothing. None, with a word on why, where the schema or
    /// `xmllint` is not at hand: the schemas lie in `shared/standards` beside the checkout.
    pub fn faults(message: &[u8], schema: &str) -> Option<String> {
        faults_in(message, &format!("iso20022/{schema}"))
    }

    /// The same for any of the standards, by its path among them.
    pub fn faults_in(message: &[u8], schema: &str) -> Option<String> {
        let beside = |dir: &Path| dir.join("shared/standards").join(schema);
        let Some(xsd) = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(beside).find(|p| p.is_file()) else {
            println!("skipped: {schema} is not in shared/standards beside the checkout");
            return None;
        };
        let mut lint = Command::new("xmllint");
        lint.args(["--noout", "--nonet", "--schema"]).arg(xsd).arg("-").stdin(Stdio::piped()).stderr(Stdio::piped());
        let Ok(mut lint) = lint.spawn() else {
            println!("skipped: xmllint is not installed (Debian: libxml2-utils)");
            return None;
        };
        lint.stdin.take().unwrap().write_all(message).unwrap();
        let done = lint.wait_with_output().unwrap();
        Some(if done.status.success() { String::new() } else { String::from_utf8_lossy(&done.stderr).into_owned() })
    }
}
