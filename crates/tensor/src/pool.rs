//! Memory that freed buffers left, kept for those to come.
//!
//! The system takes large blocks back when they are freed and hands them out page by page when they are touched
//! again: for a tensor of some MiB that costs more than computing it. So blocks of a page and more are kept here, by their
//! size, and go back to the system, the oldest first, when there are more than [`KEPT`] bytes of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::storage::Block;

/// Blocks smaller than this are the allocator's business, which has its own ways for them.
const SMALLEST: usize = 4096;

/// No more bytes than this are kept.
const KEPT: usize = 256 << 20;

/// No more sizes than this are remembered.
const SIZES: usize = 512;

/// Blocks by size, in the order in which they were freed.
struct Pool {
    blocks: BTreeMap<usize, VecDeque<(u64, Block)>>,
    bytes: usize,
    /// How many blocks were ever kept: the age of each is its number.
    count: u64,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { blocks: BTreeMap::new(), bytes: 0, count: 0 });

fn pool() -> MutexGuard<'static, Pool> {
    // Every step leaves the pool whole, so a panic elsewhere has not harmed it.
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A kept block of `bytes`, or of some more.
pub(crate) fn take(bytes: usize) -> Option<Block> {
    if bytes < SMALLEST {
        return None;
    }
    let mut pool = pool();
    let fitting = pool.blocks.range_mut(bytes..=bytes + bytes / 8).find_map(|(_, blocks)| blocks.pop_back());
    let (_, block) = fitting?;
    pool.bytes -= block.bytes();
    Some(block)
}

/// Keeps a block that nobody uses now, or frees it.
pub(crate) fn give(block: Block) {
    if block.is_piece() || !(SMALLEST..=KEPT / 2).contains(&block.bytes()) {
        return block.free();
    }
    let mut pool = pool();
    pool.bytes += block.bytes();
    pool.count += 1;
    let age = pool.count;
    pool.blocks.entry(block.bytes()).or_default().push_back((age, block));
    while pool.bytes > KEPT || pool.blocks.len() > SIZES {
        pool.free_oldest();
    }
}

/// Gives the memory that freed tensors left for later ones back to the system.
///
/// ```
/// use wengert_tensor::{DType, Tensor, trim};
/// drop(Tensor::zeros([1000, 1000], DType::F32)?);
/// trim();
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[doc(alias = "empty_cache")]
pub fn trim() {
    let blocks = std::mem::take(&mut pool().blocks);
    pool().bytes = 0;
    blocks.into_values().flatten().for_each(|(_, block)| block.free());
}

impl Pool {
    fn free_oldest(&mut self) {
        let oldest = self.blocks.iter().min_by_key(|(_, blocks)| blocks.front().map(|(age, _)| *age));
        let Some(size) = oldest.map(|(size, _)| *size) else { return };
        let block = self.blocks.get_mut(&size).and_then(VecDeque::pop_front);
        if let Some((_, block)) = block {
            self.bytes -= block.bytes();
            block.free();
        } else {
            self.blocks.remove(&size);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Storage;
    use crate::{DType, Data};

    fn address(storage: &Storage) -> usize {
        match storage.data() {
            Data::F64(x) => x.as_ptr() as usize,
            Data::F32(x) => x.as_ptr() as usize,
            _ => 0,
        }
    }

    /// One test, because the pool is the process's.
    #[test]
    fn memory_is_kept_by_size_zeroed_where_asked_and_bounded() {
        let odd = 123_457;
        let first = Storage::scratch(DType::F64, odd).unwrap();
        let place = address(&first);
        drop(first);
        let again = Storage::zeros(DType::F32, 2 * odd - 7).unwrap();
        assert_eq!(address(&again), place, "the block is used again, by another dtype");
        assert!(matches!(again.data(), Data::F32(x) if x.iter().all(|&x| x == 0.0)));
        drop(again);
        assert_ne!(address(&Storage::scratch(DType::F64, odd / 2).unwrap()), place, "but not for half of it");

        let large = Storage::zeros(DType::F32, (1 << 20) + 77).unwrap();
        assert!(
            matches!(large.data(), Data::F32(x) if x.iter().all(|&x| x.to_bits() == 0)),
            "from the system, in larger pages"
        );

        let many: Vec<Storage> = (0..40).map(|i| Storage::scratch(DType::F64, (1 << 20) + i).unwrap()).collect();
        drop(many);
        assert!(pool().bytes <= KEPT);
        trim();
        assert!(pool().bytes <= KEPT / 2, "what other tests free meanwhile is far less");
    }
}
