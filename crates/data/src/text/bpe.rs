//! Byte-pair encoding (R. Sennrich, B. Haddow and A. Birch, "Neural machine translation of rare words with subword units", ACL
//! 2016), from bytes up, so that every text has tokens.
//!
//! It is written here because it is short: the crates that train are many times this crate's size, and the small ones only encode.

use std::collections::{BTreeSet, HashMap};

use wengert_tensor::{Error, Result, Tensor};

use super::words::{LONGEST, words};
use super::{Tokenizer, indices};

type Pair = (u32, u32);

/// A vocabulary of the 256 bytes and of merges, each a pair of earlier tokens.
///
/// ```
/// use wengert_data::{Bpe, Tokenizer};
/// let text = "low lower lowest low low";
/// let bpe = Bpe::train(text, 260)?;
/// let tokens = bpe.encode(text)?;
/// assert!(tokens.numel() < text.len());
/// assert_eq!(bpe.decode(&tokens)?, text);
/// assert_eq!(Bpe::from_merges(&bpe.merges()?)?, bpe);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bpe {
    /// Token 256 + i is the pair at i.
    merges: Vec<Pair>,
    ranks: HashMap<Pair, u32>,
    /// What each token stands for.
    bytes: Vec<Vec<u8>>,
}

impl Bpe {
    /// A vocabulary of up to `size` tokens, made of a text: again and again the pair of neighbours that occurs most often becomes
    /// a token; of equals, that of the smallest tokens. It ends early where no pair occurs twice.
    ///
    /// # Errors
    /// A size below 256 or beyond 2^20.
    pub fn train(text: &str, size: usize) -> Result<Self> {
        if !(256..=1 << 20).contains(&size) {
            return Err(Error::value(format!("bpe: a vocabulary of {size} tokens; expected 256 to {}", 1 << 20)));
        }
        let mut corpus = Corpus::new(text);
        let mut bpe = Self::default();
        while bpe.size() < size
            && let Some(pair) = corpus.most_frequent()
        {
            corpus.merge(pair, bpe.size() as u32);
            bpe.push(pair)?;
        }
        Ok(bpe)
    }

    /// The merges, `i64` of shape [merges, 2]: all that there is to keep of a vocabulary.
    ///
    /// # Errors
    /// No memory for them.
    pub fn merges(&self) -> Result<Tensor> {
        let flat: Vec<i64> = self.merges.iter().flat_map(|&(a, b)| [a.into(), b.into()]).collect();
        Tensor::from_vec(flat, [self.merges.len(), 2])
    }

    /// The vocabulary of these merges.
    ///
    /// # Errors
    /// Another shape or dtype; a merge of a token that is not earlier, that occurs twice, or that is too long to be met.
    pub fn from_merges(merges: &Tensor) -> Result<Self> {
        if merges.rank() != 2 || merges.shape()[1] != 2 {
            return Err(Error::shape(format!("bpe: merges of shape {}; expected [merges, 2]", merges.shape())));
        }
        let mut bpe = Self::default();
        let mut tokens = merges.iter::<i64>().map_err(|e| e.within("bpe"))?;
        while let (Some(a), Some(b)) = (tokens.next(), tokens.next()) {
            let i = bpe.merges.len();
            let token = |n: i64| u32::try_from(n).ok().filter(|&n| (n as usize) < bpe.size());
            match (token(a), token(b)) {
                (Some(a), Some(b)) => bpe.push((a, b))?,
                _ => return Err(Error::value(format!("bpe: merge {i} is of {a} and {b}, which are not both earlier"))),
            }
        }
        Ok(bpe)
    }

    /// The bytes that a token stands for, if there is such a token.
    pub fn bytes(&self, token: usize) -> Option<&[u8]> {
        self.bytes.get(token).map(Vec::as_slice)
    }

    fn push(&mut self, pair: Pair) -> Result<()> {
        let (i, (a, b)) = (self.merges.len(), pair);
        let bytes = [&self.bytes[a as usize][..], &self.bytes[b as usize]].concat();
        if bytes.len() > LONGEST || self.ranks.insert(pair, i as u32).is_some() {
            let n = bytes.len();
            return Err(Error::value(format!(
                "bpe: merge {i} of {a} and {b} is there already, or of {n} > {LONGEST} bytes"
            )));
        }
        self.merges.push(pair);
        self.bytes.push(bytes);
        Ok(())
    }

    /// The tokens of one word: the earliest merge of all possible ones first.
    fn word(&self, word: &[u8]) -> Vec<u32> {
        let mut tokens: Vec<u32> = word.iter().map(|&b| b.into()).collect();
        let rank = |pair: &[u32]| self.ranks.get(&(pair[0], pair[1])).copied();
        while let Some(first) = tokens.windows(2).filter_map(rank).min() {
            replace(&mut tokens, self.merges[first as usize], 256 + first);
        }
        tokens
    }
}

/// The bytes alone.
impl Default for Bpe {
    fn default() -> Self {
        Self { merges: Vec::new(), ranks: HashMap::new(), bytes: (0..=u8::MAX).map(|b| vec![b]).collect() }
    }
}

impl Tokenizer for Bpe {
    fn size(&self) -> usize {
        self.bytes.len()
    }

    fn encode(&self, text: &str) -> Result<Tensor> {
        let mut known: HashMap<&[u8], Vec<u32>> = HashMap::new();
        let mut out: Vec<i64> = Vec::new();
        for word in words(text) {
            let tokens = known.entry(word).or_insert_with(|| self.word(word));
            out.try_reserve(tokens.len()).map_err(|_| Error::memory("bpe: no memory for the tokens"))?;
            out.extend(tokens.iter().map(|&token| i64::from(token)));
        }
        let n = out.len();
        Tensor::from_vec(out, [n])
    }

    /// Bytes that are no UTF-8, as a cut token's may be, become U+FFFD.
    fn decode(&self, tokens: &Tensor) -> Result<String> {
        let mut bytes = Vec::new();
        for i in indices(tokens, self.size(), "bpe")? {
            bytes.extend_from_slice(&self.bytes[i?]);
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Makes every `pair` one `token`, from left to right.
fn replace(tokens: &mut Vec<u32>, pair: Pair, token: u32) {
    let (mut from, mut to) = (0, 0);
    while from < tokens.len() {
        let met = from + 1 < tokens.len() && (tokens[from], tokens[from + 1]) == pair;
        tokens[to] = if met { token } else { tokens[from] };
        from += 1 + usize::from(met);
        to += 1;
    }
    tokens.truncate(to);
}

/// The different words of a text, how often each occurs, and how often each pair.
struct Corpus {
    words: Vec<(Vec<u32>, u64)>,
    counts: HashMap<Pair, u64>,
    /// Pairs by how often they occur: the last is the most frequent, and the smallest of those.
    ranking: BTreeSet<(u64, std::cmp::Reverse<Pair>)>,
    /// In which words a pair occurs, or did.
    places: HashMap<Pair, BTreeSet<usize>>,
}

impl Corpus {
    fn new(text: &str) -> Self {
        let mut numbers: HashMap<&[u8], usize> = HashMap::new();
        let mut all: Vec<(Vec<u32>, u64)> = Vec::new();
        for word in words(text) {
            let i = *numbers.entry(word).or_insert(all.len());
            match all.get_mut(i) {
                Some((_, count)) => *count += 1,
                None => all.push((word.iter().map(|&b| b.into()).collect(), 1)),
            }
        }
        let mut corpus = Self { words: all, counts: HashMap::new(), ranking: BTreeSet::new(), places: HashMap::new() };
        (0..corpus.words.len()).for_each(|i| corpus.count(i, true));
        corpus
    }

    fn most_frequent(&self) -> Option<Pair> {
        self.ranking.last().filter(|(count, _)| *count > 1).map(|(_, pair)| pair.0)
    }

    fn merge(&mut self, pair: Pair, token: u32) {
        for i in self.places.remove(&pair).unwrap_or_default() {
            self.count(i, false);
            replace(&mut self.words[i].0, pair, token);
            self.count(i, true);
        }
    }

    /// Adds the pairs of a word to the counts, or takes them away.
    fn count(&mut self, word: usize, add: bool) {
        let (tokens, times) = &self.words[word];
        for pair in tokens.windows(2).map(|w| (w[0], w[1])) {
            let count = self.counts.entry(pair).or_default();
            self.ranking.remove(&(*count, std::cmp::Reverse(pair)));
            *count = if add { count.saturating_add(*times) } else { count.saturating_sub(*times) };
            if *count > 0 {
                self.ranking.insert((*count, std::cmp::Reverse(pair)));
            }
            if add {
                self.places.entry(pair).or_default().insert(word);
            }
        }
    }
}
