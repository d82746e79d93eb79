//! TFRecord: how event files frame their messages.
//!
//! Source: TensorFlow, *TFRecord and tf.train.Example*: length (u64), masked CRC of the length, the message, masked CRC of
//! the message, all little-endian. The CRC is CRC-32C (Castagnoli), rotated and shifted by a constant, because
//! a CRC over bytes that hold CRCs is weak.

use crc32c::crc32c;

/// The CRC-32C of `bytes` as TFRecord masks it.
pub fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// `message` in its frame.
pub fn frame(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(message.len() + 16);
    record.extend(length);
    record.extend(masked_crc(&length).to_le_bytes());
    record.extend(message);
    record.extend(masked_crc(message).to_le_bytes());
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_crc32c() {
        // RFC 3720, B.4, and the catalogue's check value.
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    }
}
