//! Words that name goods, sought in a text that somebody typed.

use std::collections::HashMap;

/// Words and phrases, by their first word: a text is gone through once, however many there are.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    /// To a first word, what must follow it; nothing where the word alone is enough.
    phrases: HashMap<String, Vec<Vec<String>>>,
    /// Of scripts that part no words; they may stand anywhere.
    anywhere: Vec<String>,
}

impl Named {
    pub(super) fn of(words: Vec<String>) -> Self {
        let mut named = Self::default();
        for word in words.into_iter().map(|word| word.to_lowercase()) {
            let mut parts = word.split(' ').filter(|part| !part.is_empty()).map(str::to_owned);
            match parts.next() {
                Some(first) if word.is_ascii() => named.phrases.entry(first).or_default().push(parts.collect()),
                Some(_) => named.anywhere.push(word),
                None => {}
            }
        }
        named
    }

    /// Whether one of them stands in a text of lower case; Latin ones as whole words, whatever parts them.
    pub(super) fn stand_in(&self, text: &str) -> bool {
        let mut found = text.split(|c: char| !c.is_alphanumeric() && c != '-').filter(|word| !word.is_empty());
        while let Some(word) = found.next() {
            let follow = |rest: &Vec<String>| {
                let mut next = found.clone();
                rest.iter().all(|part| next.next() == Some(part))
            };
            if self.phrases.get(word).is_some_and(|all| all.iter().any(follow)) {
                return true;
            }
        }
        !text.is_ascii() && self.anywhere.iter().any(|word| text.contains(word.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::Named;

    #[test]
    fn words_stand_whole_phrases_in_their_order_and_chinese_anywhere() {
        let named = Named::of(["Power bank", "battery", "power tool set", "充电宝", " "].map(str::to_owned).into());
        for (text, stands) in [
            ("a power bank", true),
            ("power-bank", false),
            ("power, bank!", true),
            ("power power bank", true),
            ("bank of power", false),
            ("battery", true),
            ("batterylike", false),
            ("2 battery-packs", false),
            ("power tool", false),
            ("power tool set", true),
            ("便携充电宝10000", true),
            ("充电", false),
            ("", false),
        ] {
            assert_eq!(named.stand_in(text), stands, "{text}");
        }
    }
}
