//! Where a text is cut before pairs of bytes are merged: no token crosses a cut.

/// The longest piece in bytes, and so the longest token. It bounds the time that a piece takes, which grows with its square.
pub const LONGEST: usize = 128;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Digit,
    Space,
    Other,
}

fn kind(c: char) -> Kind {
    match c {
        c if c.is_alphabetic() => Kind::Letter,
        c if c.is_numeric() => Kind::Digit,
        c if c.is_whitespace() => Kind::Space,
        _ => Kind::Other,
    }
}

/// The pieces of a text, one after another all of it: runs of letters, of digits or of other signs, each with the one space
/// before it; runs of white space; none longer than [`LONGEST`].
pub fn words(text: &str) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    let words = std::iter::from_fn(move || {
        let mut chars = rest.char_indices().peekable();
        let (_, first) = chars.next()?;
        // A space belongs to the word after it, if there is one.
        let kind = match chars.peek() {
            Some(&(_, next)) if first == ' ' => kind(next),
            _ => kind(first),
        };
        let end = chars.find(|&(_, c)| self::kind(c) != kind).map_or(rest.len(), |(i, _)| i);
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    });
    words.flat_map(|word| word.as_bytes().chunks(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_all_of_the_text() {
        let long = "x".repeat(3 * LONGEST + 1);
        for text in ["", " ", "a", "Well done, 12 men!\n\n  Ha", "größer  als", &long] {
            assert_eq!(words(text).collect::<Vec<_>>().concat(), text.as_bytes());
            assert!(words(text).all(|word| !word.is_empty() && word.len() <= LONGEST));
        }
        let pieces: Vec<_> = words("no, 12 men!\n").map(|w| str::from_utf8(w).unwrap_or_default()).collect();
        assert_eq!(pieces, ["no", ",", " 12", " men", "!", "\n"]);
    }
}
