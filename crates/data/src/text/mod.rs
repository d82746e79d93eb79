//! Text for language models: what turns it into numbers, and the windows that a model is trained on.

mod bpe;
mod chars;
mod windows;
mod words;

pub use bpe::Bpe;
pub use chars::Chars;
pub use windows::Windows;

use wengert_tensor::{Error, Result, Tensor};

/// A vocabulary: texts as tokens, which are numbers from 0 up, and back.
pub trait Tokenizer {
    /// How many tokens there are.
    fn size(&self) -> usize;

    /// The tokens of a text, `i64` of rank 1.
    ///
    /// # Errors
    /// A text that the vocabulary has no tokens for.
    fn encode(&self, text: &str) -> Result<Tensor>;

    /// The text of tokens, `i64` of any shape, read in row-major order.
    ///
    /// # Errors
    /// Another dtype; a token that does not exist.
    fn decode(&self, tokens: &Tensor) -> Result<String>;
}

/// Each of `tokens` as an index below `size`.
fn indices<'a>(tokens: &'a Tensor, size: usize, op: &'a str) -> Result<impl Iterator<Item = Result<usize>> + 'a> {
    Ok(tokens.iter::<i64>().map_err(|e| e.within(op))?.map(move |token| {
        let index = usize::try_from(token).ok().filter(|&i| i < size);
        index.ok_or_else(|| Error::index(format!("{op}: token {token} is outside a vocabulary of {size}")))
    }))
}
