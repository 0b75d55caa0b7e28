//! Pages in millimetres from the top left corner, in the built-in Helvetica of every PDF reader.

use encoding_rs::WINDOWS_1252;
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use serde::{Deserialize, Serialize};

use crate::latin;

/// What to print: as it is, or in Latin letters where the font has not got it.
///
/// The built-in fonts know the letters of western Europe. A text beyond them is printed by its `latin`
/// form; without one it is refused, so that nothing is lost in silence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    pub text: String,
    pub latin: Option<String>,
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), latin: None }
    }
}

/// A text that the font has not got, and its first character of that kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotInFont {
    pub text: String,
    pub character: char,
}

impl Text {
    /// The form that can be printed, on one line.
    pub fn printable(&self) -> Result<String, NotInFont> {
        let foreign = |text: &str| text.chars().find(|c| !is_printable(*c) && !c.is_whitespace());
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let Some(character) = foreign(&self.text) else { return Ok(one_line(&self.text)) };
        match self.latin.as_deref() {
            Some(latin) if foreign(latin).is_none() => Ok(one_line(latin)),
            _ => Err(NotInFont { text: self.text.chars().take(120).collect(), character }),
        }
    }
}

fn is_printable(c: char) -> bool {
    !c.is_control() && !WINDOWS_1252.encode(c.encode_utf8(&mut [0; 4])).2
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Face {
    Plain,
    Bold,
}

/// Where a text begins, ends or has its middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Centre,
    Right,
}

/// The size and the look of a text; `size` in points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub face: Face,
    pub size: f32,
    pub align: Align,
}

pub(crate) const fn plain(size: f32) -> Look {
    Look { face: Face::Plain, size, align: Align::Left }
}

pub(crate) const fn bold(size: f32) -> Look {
    Look { face: Face::Bold, size, align: Align::Left }
}

impl Look {
    pub const fn right(self) -> Self {
        Self { align: Align::Right, ..self }
    }

    pub const fn centre(self) -> Self {
        Self { align: Align::Centre, ..self }
    }

    /// Width of a text in millimetres.
    pub fn width(self, text: &str) -> f32 {
        let units: u32 = text.chars().map(|c| u32::from(units(c, self.face))).sum();
        f32::from(u16::try_from(units).unwrap_or(u16::MAX)) * self.size / 1000.0 * MM_PER_POINT
    }

    /// Cuts a text into lines that are not wider than `width` mm; what is left over after `most` lines
    /// is marked by an ellipsis.
    pub fn wrap(self, text: &str, width: f32, most: usize) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let mut line = String::new();
        for word in text.split_whitespace() {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width(&longer) <= width {
                line = longer;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            // A word that is wider than the column is cut where the column ends.
            for c in word.chars() {
                if !line.is_empty() && self.width(&format!("{line}{c}")) > width {
                    lines.push(std::mem::take(&mut line));
                }
                line.push(c);
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        if lines.len() > most {
            lines.truncate(most);
            if let Some(last) = lines.last_mut() {
                while !last.is_empty() && self.width(&format!("{last}…")) > width {
                    last.pop();
                }
                last.truncate(last.trim_end().len());
                last.push('…');
            }
        }
        lines
    }

    /// The text on one line, ended by an ellipsis if it is too wide.
    pub fn fit(self, text: &str, width: f32) -> String {
        self.wrap(text, width, 1).pop().unwrap_or_default()
    }
}

const MM_PER_POINT: f32 = 25.4 / 72.0;

fn points(mm: f32) -> f32 {
    mm / MM_PER_POINT
}

/// One page that is drawn on.
pub(crate) struct Page {
    content: Content,
    height: f32,
}

impl Page {
    pub fn new(height: f32) -> Self {
        Self { content: Content::new(), height }
    }

    /// A text whose base line is at `y`.
    pub fn text(&mut self, x: f32, y: f32, look: Look, text: &str) {
        let left = match look.align {
            Align::Left => x,
            Align::Centre => x - look.width(text) / 2.0,
            Align::Right => x - look.width(text),
        };
        let font: &[u8] = if look.face == Face::Bold { b"B" } else { b"P" };
        let (bytes, _, _) = WINDOWS_1252.encode(text);
        let y = points(self.height - y);
        self.content.begin_text().set_font(Name(font), look.size).next_line(points(left), y);
        self.content.show(Str(&bytes)).end_text();
    }

    /// A text in white, for black grounds.
    pub fn text_white(&mut self, x: f32, y: f32, look: Look, text: &str) {
        self.content.set_fill_gray(1.0);
        self.text(x, y, look, text);
        self.content.set_fill_gray(0.0);
    }

    /// A filled rectangle; `gray` is 0 for black, 1 for white.
    pub fn fill(&mut self, x: f32, y: f32, width: f32, height: f32, gray: f32) {
        self.content.set_fill_gray(gray);
        self.content.rect(points(x), points(self.height - y - height), points(width), points(height)).fill_nonzero();
        self.content.set_fill_gray(0.0);
    }

    /// The outline of a rectangle; `line` in points.
    pub fn frame(&mut self, x: f32, y: f32, width: f32, height: f32, line: f32) {
        self.content.set_line_width(line);
        self.content.rect(points(x), points(self.height - y - height), points(width), points(height)).stroke();
    }

    /// A straight line; `line` in points.
    pub fn rule(&mut self, from: (f32, f32), to: (f32, f32), line: f32) {
        self.content.set_line_width(line);
        self.content.move_to(points(from.0), points(self.height - from.1));
        self.content.line_to(points(to.0), points(self.height - to.1)).stroke();
    }
}

/// Binds pages of one size, in millimetres, to a file. No date is written: the same pages give the same
/// bytes.
pub(crate) fn bind(title: &str, width: f32, height: f32, pages: Vec<Page>) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let [catalog, tree, info, plain, bold] = [1, 2, 3, 4, 5].map(Ref::new);
    let ids: Vec<(Ref, Ref)> = (3_i32..).take(pages.len()).map(|i| (Ref::new(i * 2), Ref::new(i * 2 + 1))).collect();
    pdf.catalog(catalog).pages(tree);
    pdf.document_info(info).title(TextStr(title));
    pdf.pages(tree).kids(ids.iter().map(|i| i.0)).count(i32::try_from(ids.len()).unwrap_or(i32::MAX));
    for (id, name) in [(plain, &b"Helvetica"[..]), (bold, b"Helvetica-Bold")] {
        pdf.type1_font(id).base_font(Name(name)).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    for ((id, stream), page) in ids.into_iter().zip(pages) {
        let mut leaf = pdf.page(id);
        leaf.media_box(Rect::new(0.0, 0.0, points(width), points(height))).parent(tree).contents(stream);
        leaf.resources().fonts().pair(Name(b"P"), plain).pair(Name(b"B"), bold);
        leaf.finish();
        pdf.stream(stream, &page.content.finish());
    }
    pdf.finish()
}

/// Advance widths of the built-in fonts in thousandths of the size, for `' '` to `'~'`.
#[rustfmt::skip]
const PLAIN: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

#[rustfmt::skip]
const BOLD: [u16; 95] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611,
    975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556,
    333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611,
    611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
];

/// An accented letter is as wide as its plain one; signs beyond ASCII are taken as wide as the widest.
fn units(c: char, face: Face) -> u16 {
    let table = if face == Face::Bold { &BOLD } else { &PLAIN };
    let ascii = |c: char| u32::from(c).checked_sub(32).and_then(|i| table.get(usize::try_from(i).ok()?)).copied();
    ascii(c).or_else(|| latin::without_accent(c).and_then(|plain| plain.chars().filter_map(ascii).max())).unwrap_or(
        match c {
            '\u{a0}' => 278,
            '·' | '’' | '‘' => 278,
            '°' | '“' | '”' => 500,
            '×' | '±' | '–' | '€' | '£' | '¥' => 584,
            _ => 1000,
        },
    )
}

/// What an independent reader finds on the pages, or None where there is none.
#[cfg(test)]
pub(crate) fn read(name: &str, pdf: &[u8]) -> Option<String> {
    let file = std::env::temp_dir().join(format!("ehub-paper-{}-{name}.pdf", std::process::id()));
    std::fs::write(&file, pdf).unwrap();
    let text = std::process::Command::new("pdftotext").arg("-layout").arg(&file).arg("-").output();
    std::fs::remove_file(&file).unwrap();
    let Ok(text) = text else {
        println!("skipped: pdftotext is not installed (Debian: poppler-utils)");
        return None;
    };
    assert!(text.status.success(), "{}", String::from_utf8_lossy(&text.stderr));
    Some(String::from_utf8_lossy(&text.stdout).split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_wraps_at_words_and_ends_in_an_ellipsis() {
        let look = plain(10.0);
        // Ten points: an "m" is 8.33 pt = 2.94 mm wide.
        assert!((look.width("mm") - 5.88).abs() < 0.01);
        assert_eq!(look.wrap("roasted coffee beans", 30.0, 3), ["roasted coffee", "beans"]);
        assert_eq!(look.wrap("roasted coffee beans", 30.0, 1), ["roasted coffee…"]);
        assert_eq!(look.wrap("mmmmmmmm", 9.0, 9), ["mmm", "mmm", "mm"]);
        assert_eq!(look.wrap("", 9.0, 1), Vec::<String>::new());
        for text in ["W", "x".repeat(400).as_str(), "a b c d e f g h i j k l m n o p"] {
            assert!(look.wrap(text, 12.0, 4).iter().all(|line| look.width(line) <= 12.0), "{text}");
        }
    }

    #[test]
    fn what_the_font_has_not_got_is_named_unless_a_latin_form_is_given() {
        let with =
            |text: &str, latin: Option<&str>| Text { text: text.into(), latin: latin.map(str::to_owned) }.printable();
        assert_eq!(with("Café – crème", None), Ok("Café – crème".into()));
        assert_eq!(with("two\nlines", None), Ok("two lines".into()));
        assert_eq!(with("白咖啡", Some("White coffee")), Ok("White coffee".into()));
        assert_eq!(with("A白", None), Err(NotInFont { text: "A白".into(), character: '白' }));
        assert_eq!(with("A白", Some("白")), Err(NotInFont { text: "A白".into(), character: '白' }));
    }
}
