//! A token a character.

use std::collections::{BTreeSet, HashMap};

use wengert_tensor::{Error, Result, Tensor};

use super::{Tokenizer, indices};
use crate::fill::filled;

/// The characters of a text as a vocabulary.
///
/// ```
/// use wengert_data::{Chars, Tokenizer};
/// use wengert_tensor::Tensor;
/// let chars = Chars::of("banana");
/// assert_eq!(chars.encode("nab")?, Tensor::from([2, 0, 1]));
/// assert_eq!(chars.decode(&Tensor::from([1, 0, 2]))?, "ban");
/// assert_eq!(chars.encode("bin").unwrap_err().to_string(), "chars: `i`, character 1, is not in the vocabulary");
/// assert_eq!(Chars::of(&chars.to_string()), chars);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chars {
    chars: Vec<char>,
    tokens: HashMap<char, i64>,
}

impl Chars {
    /// All characters that occur in `text`, in their order in Unicode. They are also the text to keep a vocabulary by
    /// ([`to_string`](ToString::to_string)).
    pub fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect::<BTreeSet<char>>().into_iter().collect();
        Self { tokens: chars.iter().copied().zip(0..).collect(), chars }
    }
}

impl std::fmt::Display for Chars {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.chars.iter().try_for_each(|c| write!(f, "{c}"))
    }
}

impl Tokenizer for Chars {
    fn size(&self) -> usize {
        self.chars.len()
    }

    fn encode(&self, text: &str) -> Result<Tensor> {
        let token = |(i, c)| {
            let unknown = || Error::value(format!("chars: `{c}`, character {i}, is not in the vocabulary"));
            self.tokens.get(&c).copied().ok_or_else(unknown)
        };
        filled([text.chars().count()].into(), text.chars().enumerate().map(token))
    }

    fn decode(&self, tokens: &Tensor) -> Result<String> {
        indices(tokens, self.chars.len(), "chars")?.map(|i| Ok(self.chars[i?])).collect()
    }
}
