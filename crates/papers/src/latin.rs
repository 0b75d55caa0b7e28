//! Text for systems that know Latin letters only: what can be said in them is, what cannot is named.

/// Characters that ISO 20022 payment schemes agree on: letters, digits, blank and `/ - ? : ( ) . , ' +`.
#[must_use]
pub fn is_payment_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ' ' | '/' | '-' | '?' | ':' | '(' | ')' | '.' | ',' | '\'' | '+')
}

/// `text` in the characters of [`is_payment_char`]: accents dropped, signs replaced by their nearest.
///
/// # Errors
/// The first character that has no Latin form, such as `张`: a name must not lose a part in silence.
pub fn for_payment(text: &str) -> Result<String, char> {
    for_payment_with(text, |_| false)
}

/// The same where the reader takes more letters, which stay as they are.
///
/// # Errors
/// As [`for_payment`].
pub fn for_payment_with(text: &str, takes: impl Fn(char) -> bool) -> Result<String, char> {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if takes(c) => out.push(c),
            c if is_payment_char(c) => out.push(c),
            '&' => out.push('+'),
            '_' | '–' | '—' | '‐' | '‑' | '~' => out.push('-'),
            ';' | '、' | '，' => out.push(','),
            '"' | '’' | '‘' | '`' | '´' | '“' | '”' => out.push('\''),
            '[' | '{' | '（' | '<' => out.push('('),
            ']' | '}' | '）' | '>' => out.push(')'),
            '\\' | '|' => out.push('/'),
            '#' | '*' | '!' | '@' | '=' | '%' | '$' | '^' | '·' | '•' => out.push('.'),
            c if c.is_whitespace() => out.push(' '),
            c => out.push_str(without_accent(c).ok_or(c)?),
        }
    }
    Ok(out.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The plain letters of an accented Latin letter.
#[must_use]
pub fn without_accent(c: char) -> Option<&'static str> {
    const PLAIN: &[(&str, &str)] = &[
        ("ÀÁÂÃÅĀĂĄǍẠẢẤẦẨẪẬẮẰẲẴẶ", "A"),
        ("àáâãåāăąǎạảấầẩẫậắằẳẵặ", "a"),
        ("ÇĆĈĊČ", "C"),
        ("çćĉċč", "c"),
        ("ĎĐÐ", "D"),
        ("ďđð", "d"),
        ("ÈÉÊËĒĔĖĘĚẸẺẼẾỀỂỄỆ", "E"),
        ("èéêëēĕėęěẹẻẽếềểễệ", "e"),
        ("ĜĞĠĢ", "G"),
        ("ĝğġģ", "g"),
        ("ĤĦ", "H"),
        ("ĥħ", "h"),
        ("ÌÍÎÏĨĪĬĮİỈỊ", "I"),
        ("ìíîïĩīĭįıỉị", "i"),
        ("Ĵ", "J"),
        ("ĵ", "j"),
        ("Ķ", "K"),
        ("ķ", "k"),
        ("ĹĻĽĿŁ", "L"),
        ("ĺļľŀł", "l"),
        ("ÑŃŅŇ", "N"),
        ("ñńņň", "n"),
        ("ÒÓÔÕŌŎŐØỌỎỐỒỔỖỘƠỚỜỞỠỢ", "O"),
        ("òóôõōŏőøọỏốồổỗộơớờởỡợ", "o"),
        ("ŔŖŘ", "R"),
        ("ŕŗř", "r"),
        ("ŚŜŞŠȘ", "S"),
        ("śŝşšș", "s"),
        ("ŢŤŦȚ", "T"),
        ("ţťŧț", "t"),
        ("ÙÚÛŨŪŬŮŰŲỤỦƯỨỪỬỮỰ", "U"),
        ("ùúûũūŭůűųụủưứừửữự", "u"),
        ("Ŵ", "W"),
        ("ŵ", "w"),
        ("ÝŶŸỲỴỶỸ", "Y"),
        ("ýŷÿỳỵỷỹ", "y"),
        ("ŹŻŽ", "Z"),
        ("źżž", "z"),
        ("ÄÆ", "Ae"),
        ("äæ", "ae"),
        ("ÖŒ", "Oe"),
        ("öœ", "oe"),
        ("Ü", "Ue"),
        ("ü", "ue"),
        ("ß", "ss"),
        ("Þ", "Th"),
        ("þ", "th"),
    ];
    PLAIN.iter().find(|(accented, _)| accented.contains(c)).map(|(_, plain)| *plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_names_lose_their_accents_and_others_are_named() {
        let check =
            |text: &str, expected: Result<&str, char>| assert_eq!(for_payment(text), expected.map(str::to_owned));
        check("Kopi Warisan Sdn. Bhd.", Ok("Kopi Warisan Sdn. Bhd."));
        check("Café Müller & Söhne", Ok("Cafe Mueller + Soehne"));
        check("Nguyễn Thị Ánh", Ok("Nguyen Thi Anh"));
        check("  Order_7;\t\"A\"  ", Ok("Order-7, 'A'"));
        check("张伟", Err('张'));
        check("Tea ☕", Err('☕'));
    }
}
