//! Vocabularies give back what they were given.

use proptest::prelude::*;
use wengert_data::{Bpe, Chars, Dataset, Tokenizer, Windows};
use wengert_tensor::{DType, Tensor};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn chars_decode_what_they_encode(text in ".{0,60}") {
        let chars = Chars::of(&text);
        prop_assert_eq!(chars.decode(&chars.encode(&text).unwrap()).unwrap(), text);
    }

    #[test]
    fn bpe_decodes_what_it_encodes(corpus in "[a-d ]{0,200}", text in "(.|[a-d ]){0,60}", size in 256usize..300) {
        let bpe = Bpe::train(&corpus, size).unwrap();
        prop_assert!(bpe.size() <= size);
        for text in [&text, &corpus] {
            let tokens = bpe.encode(text).unwrap();
            prop_assert!(tokens.numel() <= text.len());
            prop_assert_eq!(&bpe.decode(&tokens).unwrap(), text);
        }
        prop_assert_eq!(Bpe::from_merges(&bpe.merges().unwrap()).unwrap(), bpe);
    }

    #[test]
    fn any_merges_are_a_vocabulary_or_an_error(merges in prop::collection::vec(-1i64..300, 0..80)) {
        let n = merges.len() / 2;
        if let Ok(bpe) = Bpe::from_merges(&Tensor::from_vec(merges[..2 * n].to_vec(), [n, 2]).unwrap()) {
            prop_assert_eq!(bpe.size(), 256 + n);
        }
    }

    #[test]
    fn windows_cover_the_text(n in 2usize..60, length in 1usize..8, step in 1usize..8) {
        prop_assume!(n > length);
        let windows = Windows::new(Tensor::arange(0, n as i64, 1).unwrap(), length, step).unwrap();
        for i in 0..windows.len() {
            let (x, y) = windows.get(i).unwrap();
            prop_assert_eq!(x.to_vec::<i64>().unwrap(), Vec::from_iter((i * step) as i64..(i * step + length) as i64));
            prop_assert_eq!(y, x.add(&Tensor::from(1)).unwrap());
        }
        // One more would need a token that is not there.
        prop_assert!(windows.len() * step + length + 1 > n);
        prop_assert!(windows.get(windows.len()).is_err());
    }
}

#[test]
fn training_is_what_the_definition_says() {
    // The same by counting all pairs anew for every merge.
    let text = "the cat sat on the mat; the rat sat on that cat. Theatre, 1212 121";
    let bpe = Bpe::train(text, 290).unwrap();
    let mut words: Vec<Vec<i64>> = Vec::new();
    let (plain, mut start) = (text.as_bytes(), 0);
    let cuts = [3, 7, 11, 14, 18, 22, 23, 27, 31, 35, 38, 43, 47, 48, 56, 57, 62, 66];
    for end in cuts {
        words.push(plain[start..end].iter().map(|&b| b.into()).collect());
        start = end;
    }
    assert_eq!(start, text.len());
    let mut merges = Vec::new();
    while merges.len() < 290 - 256 {
        let mut counts = std::collections::BTreeMap::new();
        words.iter().flat_map(|word| word.windows(2)).for_each(|p| *counts.entry([p[0], p[1]]).or_insert(0) += 1);
        let Some((pair, count)) = counts.into_iter().max_by_key(|&(pair, n)| (n, std::cmp::Reverse(pair))) else {
            break;
        };
        if count < 2 {
            break;
        }
        let token = 256 + merges.len() as i64;
        for word in &mut words {
            let mut i = 0;
            while i + 1 < word.len() {
                if word[i..i + 2] == pair {
                    word.splice(i..i + 2, [token]);
                }
                i += 1;
            }
        }
        merges.push(pair);
    }
    let found = bpe.merges().unwrap();
    assert_eq!(found.to_vec::<i64>().unwrap(), merges.concat());
    assert_eq!(bpe.encode(text).unwrap().to_vec::<i64>().unwrap(), words.concat());
}

#[test]
fn mistakes_are_sentences() {
    let sentence = |error: wengert_tensor::Error| error.to_string();
    let bpe = Bpe::train("aaaa", 257).unwrap();
    assert_eq!(bpe.bytes(256), Some(&b"aa"[..]));
    let unknown = bpe.decode(&Tensor::from([300])).unwrap_err();
    assert_eq!(sentence(unknown), "bpe: token 300 is outside a vocabulary of 257");
    assert!(bpe.decode(&Tensor::from([0.5])).is_err() && Bpe::train("a", 255).is_err());
    assert!(Bpe::from_merges(&Tensor::from([[97, 256]])).is_err(), "a token made of itself");
    assert!(Bpe::from_merges(&Tensor::from([[97, 97], [97, 97]])).is_err(), "a merge that occurs twice");
    // Each twice as long as the one before.
    let doubling: Vec<[i64; 2]> = (0..40).map(|i| if i == 0 { [97, 97] } else { [255 + i, 255 + i] }).collect();
    assert!(Bpe::from_merges(&Tensor::from_vec(doubling.concat(), [40, 2]).unwrap()).is_err());
    assert!(Windows::new(Tensor::from([1, 2, 3]), 3, 1).is_err() && Windows::new(Tensor::from([1, 2]), 0, 1).is_err());
    assert!(Windows::new(Tensor::from(1.0), 1, 1).is_err());
    assert!(Chars::of("").encode("a").is_err() && Chars::of("").encode("").unwrap().dtype() == DType::I64);
    let half = bpe.decode(&Tensor::from([97, 0xc3])).unwrap();
    assert_eq!(half, "a\u{fffd}");
}
