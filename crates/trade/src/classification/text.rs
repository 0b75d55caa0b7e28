//! A text as its words: what people type in English, Malay or Chinese, brought into one form.
//!
//! Han characters are a token each, since Chinese has no spaces; words of letters are one token, without
//! their endings. Numbers, sizes and words that say nothing of goods are left out. Where a word stands is
//! kept, since "case for phone" is no phone and 手机壳 is none either.

use std::collections::HashSet;

/// Which part a word has in its text; what is sold stands in the main part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Before the first mark of punctuation.
    Main,
    /// After it.
    Later,
    /// After `with`, `in`, `dengan`: what comes along, or what it is packed in.
    Beside,
    /// After `for`, `untuk`, before 用: whom or what it is for.
    Purpose,
    /// A flavour or a scent.
    Taste,
}

impl Zone {
    /// How much a word there counts, in twelfths.
    #[must_use]
    pub const fn twelfths(self) -> u32 {
        match self {
            Self::Main => 12,
            Self::Later => 9,
            Self::Beside => 5,
            Self::Purpose | Self::Taste => 3,
        }
    }
}

/// One word, or one Han character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Without endings; what is looked up.
    pub stem: String,
    /// As it was typed, in lower case.
    pub shown: String,
    pub han: bool,
    pub zone: Zone,
    /// Which stretch between marks it stands in; words of one keyword stand in one.
    pub stretch: u16,
    /// Tells how goods look; what is sold ends before it.
    pub looks: bool,
}

/// Words that are not goods but say how to read those beside them, from `common.toml`; as stems.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    pub noise: HashSet<String>,
    /// Join words and say nothing.
    pub joining: HashSet<String>,
    /// Colours, sizes: they say how goods look.
    pub looks: HashSet<String>,
    /// Words of several Han characters that are left out before anything is looked up.
    pub han_noise: Vec<Vec<char>>,
    pub purpose: HashSet<String>,
    pub beside: HashSet<String>,
    /// Follow a flavour, as in `orange flavour`.
    pub taste_after: HashSet<String>,
    /// Stand before one, as in `perisa oren`.
    pub taste_before: HashSet<String>,
}

/// A character without accent, width and case; `None` for what is only an accent or invisible.
fn fold(c: char) -> Option<char> {
    let c = match c {
        '\u{3000}' | '\u{a0}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    };
    let plain = match c {
        '\u{0300}'..='\u{036f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}'
        | '\u{feff}'
        | '\u{fe00}'..='\u{fe0f}' => return None,
        'à' | 'á' | 'â' | 'ä' | 'ã' | 'å' | 'ā' | 'À' | 'Á' | 'Â' | 'Ä' | 'Ã' | 'Å' => 'a',
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'È' | 'É' | 'Ê' | 'Ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'Ì' | 'Í' | 'Î' | 'Ï' => 'i',
        'ò' | 'ó' | 'ô' | 'ö' | 'õ' | 'ō' | 'Ò' | 'Ó' | 'Ô' | 'Ö' | 'Õ' => 'o',
        'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'Ù' | 'Ú' | 'Û' | 'Ü' => 'u',
        'ç' | 'Ç' => 'c',
        'ñ' | 'Ñ' => 'n',
        _ => simplified(c),
    };
    Some(plain.to_lowercase().next().unwrap_or(plain))
}

/// Traditional characters that sellers write, each before the simplified one that stands in the wording.
const TRADITIONAL: &str = "個个條条雙双隻只張张頭头髮发護护膚肤潔洁麵面粉粉機机電电腦脑話话殼壳線线燈灯錶表鐘钟鞋鞋襪袜褲裤裙裙\
帶带錢钱傘伞帽帽圍围絲丝綢绸紗纱針针織织棉棉紙纸筆笔書书畫画貼贴盤盘鍋锅壺壶筷筷鐵铁鋼钢銅铜銀银飾饰鏈链鑽钻寶宝珠珠\
車车輪轮單单軸轴鎖锁門门簾帘窗窗櫃柜檯台椅椅墊垫毯毯籃篮樂乐鋼钢風风葉叶龍龙燕燕窩窝魚鱼蝦虾乾干醬酱鹽盐麥麦餅饼\
糖糖煙烟種种質质嬰婴兒儿童童婦妇點点雞鸡鴨鸭貓猫豬猪馬马豔艳爐炉熱热涼凉溫温體体適适專专無无與与於于從从開开關关\
會会網网縫缝鬆松緊紧顏颜彩彩濕湿膠胶塑塑製制複复雜杂類类簡简圓圆長长寬宽";

fn simplified(c: char) -> char {
    if !is_han(c) {
        return c;
    }
    let mut pairs = TRADITIONAL.chars();
    while let (Some(old), Some(new)) = (pairs.next(), pairs.next()) {
        if old == c {
            return new;
        }
    }
    c
}

#[must_use]
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2fa1f}')
}

/// The text in one width, case and script.
#[must_use]
pub fn folded(text: &str) -> String {
    let mut text: String = text.chars().filter_map(fold).collect();
    // Coffee is sold as three in one, however it is spaced.
    for count in 2..=5 {
        for between in ["in", "dalam"] {
            text = text.replace(&format!("{count} {between} 1"), &format!("{count}in1"));
        }
    }
    text
}

/// A word without its endings. One form for both languages: what it strips wrongly, it strips alike from
/// the wording and from the text.
#[must_use]
pub fn stem(word: &str) -> String {
    if !word.is_ascii() {
        return word.to_owned();
    }
    let mut rest = word;
    if rest.len() >= 7 {
        rest = rest.strip_suffix("nya").unwrap_or(rest);
    }
    // One after the other, so that a word and its plural have one stem.
    let one = singular(rest);
    let root = ["ber", "ter", "di"].iter().find_map(|p| one.strip_prefix(p)).filter(|root| root.len() >= 5);
    root.map(str::to_owned).unwrap_or(one)
}

fn singular(word: &str) -> String {
    if let Some(root) = word.strip_suffix("ies").filter(|root| root.len() >= 3) {
        return format!("{root}y");
    }
    for ending in ["sses", "shes", "ches", "xes"] {
        if word.ends_with(ending) {
            return word.strip_suffix("es").unwrap_or(word).to_owned();
        }
    }
    if word.len() >= 4 && !word.ends_with("ss") {
        return word.strip_suffix('s').unwrap_or(word).to_owned();
    }
    word.to_owned()
}

enum Piece {
    Word(String),
    Han(char),
    /// Ends a stretch.
    Mark,
}

/// Cuts folded text into words, Han characters and marks. Digits begin a size, whose unit goes with them,
/// but `3in1` is a word.
fn pieces(text: &str) -> Vec<Piece> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or(' ');
    let (mut found, mut i) = (Vec::new(), 0);
    while i < chars.len() {
        let c = at(i);
        if is_han(c) {
            found.push(Piece::Han(c));
            i += 1;
        } else if c.is_alphabetic() {
            let start = i;
            while i < chars.len() && (at(i).is_alphanumeric() || matches!(at(i), '\'' | '’')) && !is_han(at(i)) {
                i += 1;
            }
            let word: String = chars[start..i].iter().filter(|c| !matches!(c, '\'' | '’')).collect();
            let owned = chars[start..i].iter().rev().take(2).any(|c| matches!(c, '\'' | '’'));
            let word = if owned { word.strip_suffix('s').unwrap_or(&word).to_owned() } else { word };
            found.push(Piece::Word(word));
        } else if c.is_numeric() {
            let start = i;
            while i < chars.len()
                && (at(i).is_alphanumeric() || at(i) == '/' && at(i + 1).is_numeric())
                && !is_han(at(i))
            {
                i += 1;
            }
            let word: String = chars[start..i].iter().collect();
            if !word.chars().all(char::is_numeric) {
                found.push(Piece::Word(word));
            } else if word.len() >= 3 {
                // Of gold and silver: 916, 925, 999.
                found.push(Piece::Word(word));
            }
        } else {
            let spaced = at(i.wrapping_sub(1)) == ' ' && at(i + 1) == ' ';
            let after_han = i > 0 && is_han(at(i - 1));
            let mark = match c {
                ',' | ';' | ':' | '(' | ')' | '[' | ']' | '|' | '+' | '!' | '?' | '\n' | '，' | '。' | '；' | '、'
                | '（' | '）' | '【' | '】' | '/' | '·' => true,
                '-' | '–' | '—' | '*' | '~' => spaced,
                '.' => !at(i + 1).is_numeric(),
                ' ' => after_han,
                _ => false,
            };
            if mark {
                found.push(Piece::Mark);
            }
            i += 1;
        }
    }
    found
}

/// A number with its unit: `250g`, `1.8l`, `195/65r15`, `20s`. Not `3in1`.
fn is_size(word: &str) -> bool {
    let digit = word.chars().next().is_some_and(char::is_numeric);
    digit
        && !word.ends_with("in1")
        && !word.ends_with("k")
        && !matches!(word, "5g" | "18/8")
        && !word.chars().all(char::is_numeric)
}

/// The words of a text in their order.
#[must_use]
pub fn tokens(text: &str, manner: &Manner) -> Vec<Token> {
    let pieces = pieces(&folded(text));
    let silent = silent_han(&pieces, manner);
    let mut found: Vec<Token> = Vec::new();
    let (mut stretch, mut zone) = (0_u16, Zone::Main);
    let mut taste_next = false;
    for (place, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Mark => {
                if found.last().is_some_and(|t| t.stretch == stretch) {
                    stretch = stretch.saturating_add(1);
                }
                zone = if stretch == 0 { Zone::Main } else { Zone::Later };
                taste_next = false;
            }
            Piece::Han(_) if silent.contains(&place) => {}
            Piece::Han(c) if manner.joining.contains(c.to_string().as_str()) => {}
            Piece::Han('用') => purpose_before(&mut found, stretch),
            Piece::Han('味') => taste_before(&mut found, stretch, 2),
            Piece::Han(c) => {
                found.push(Token { stem: c.to_string(), shown: c.to_string(), han: true, zone, stretch, looks: false });
            }
            Piece::Word(word) => {
                let stem = stem(word);
                if manner.purpose.contains(&stem) {
                    stretch = stretch.saturating_add(u16::from(!found.is_empty()));
                    zone = if found.is_empty() { Zone::Main } else { Zone::Purpose };
                } else if manner.beside.contains(&stem) {
                    stretch = stretch.saturating_add(u16::from(!found.is_empty()));
                    zone = if found.is_empty() { Zone::Main } else { Zone::Beside };
                } else if manner.taste_after.contains(&stem) {
                    taste_before(&mut found, stretch, 1);
                } else if manner.taste_before.contains(&stem) {
                    taste_next = true;
                } else if !manner.noise.contains(&stem) && !manner.joining.contains(&stem) && !is_size(word) {
                    let zone = if taste_next { Zone::Taste } else { zone };
                    taste_next = false;
                    let looks = manner.looks.contains(&stem);
                    found.push(Token { stem, shown: word.clone(), han: false, zone, stretch, looks });
                }
            }
        }
    }
    found
}

/// Whether words that say nothing are left out of a keyword, so that what is left says less than it did.
#[must_use]
pub fn loses(text: &str, manner: &Manner) -> bool {
    let pieces = pieces(&folded(text));
    let silent = silent_han(&pieces, manner);
    let word = |p: &Piece| matches!(p, Piece::Word(w) if manner.noise.contains(&stem(w)));
    !silent.is_empty() || pieces.iter().any(word)
}

/// Where Han noise words stand, longest first.
fn silent_han(pieces: &[Piece], manner: &Manner) -> HashSet<usize> {
    let han: Vec<Option<char>> = pieces.iter().map(|p| if let Piece::Han(c) = p { Some(*c) } else { None }).collect();
    let mut silent = HashSet::new();
    for start in 0..han.len() {
        let here = &han[start..];
        let hit = manner.han_noise.iter().find(|word| {
            word.len() <= here.len() && word.iter().zip(here).all(|(a, b)| Some(*a) == *b) && !silent.contains(&start)
        });
        if let Some(word) = hit {
            silent.extend(start..start + word.len());
        }
    }
    silent
}

/// What stands before 用 in its stretch says whom it is for.
fn purpose_before(found: &mut [Token], stretch: u16) {
    for token in found.iter_mut().rev().take_while(|t| t.stretch == stretch) {
        token.zone = Zone::Purpose;
    }
}

fn taste_before(found: &mut [Token], stretch: u16, most: usize) {
    for token in found.iter_mut().rev().take(most).take_while(|t| t.stretch == stretch) {
        token.zone = Zone::Taste;
    }
}
