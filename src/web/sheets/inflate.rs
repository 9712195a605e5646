//! How long deflated data (RFC 1951) is when unpacked: counted without unpacking, so that a bomb costs no memory.

const LENGTHS: [u16; 29] =
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const LENGTH_BITS: [u32; 29] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
/// Order of the code lengths' own lengths (3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The length, or a bit more than `max` when it is beyond; nothing for what is not deflated data.
pub(in crate::web) fn inflated(data: &[u8], max: u64) -> Option<u64> {
    let mut length = 0;
    count(data, max, &mut length).map(|()| length)
}

/// The same of data that may break off, for readers that take what comes until then.
pub(in crate::web) fn inflated_until_it_breaks(data: &[u8], max: u64) -> u64 {
    let mut length = 0;
    // What came until then is counted in any case.
    let _ = count(data, max, &mut length);
    length
}

fn count(data: &[u8], max: u64, length: &mut u64) -> Option<()> {
    let mut bits = Bits { data, at: 0, held: 0, count: 0 };
    while *length <= max {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => {
                (bits.held, bits.count) = (0, 0);
                let stored = bits.take(16)?;
                bits.take(16)?;
                bits.at = bits.at.checked_add(usize::try_from(stored).ok()?).filter(|at| *at <= data.len())?;
                *length += u64::from(stored);
            }
            1 => {
                let lengths: Vec<u8> = (0..288_u16)
                    .map(|n| match n {
                        144..=255 => 9,
                        256..=279 => 7,
                        _ => 8,
                    })
                    .collect();
                block(&mut bits, &Code::of(&lengths), &Code::of(&[5; 30]), length, max)?;
            }
            2 => {
                let (literals, distances) = codes(&mut bits)?;
                block(&mut bits, &literals, &distances, length, max)?;
            }
            _ => return None,
        }
        if last {
            break;
        }
    }
    Some(())
}

fn block(bits: &mut Bits<'_>, literals: &Code, distances: &Code, length: &mut u64, max: u64) -> Option<()> {
    while *length <= max {
        match literals.read(bits)? {
            0..=255 => *length += 1,
            256 => break,
            symbol => {
                let at = usize::from(symbol - 257);
                let repeat = u64::from(*LENGTHS.get(at)?) + u64::from(bits.take(*LENGTH_BITS.get(at)?)?);
                let distance = u32::from(distances.read(bits)?);
                bits.take((distance / 2).saturating_sub(1))?;
                *length += repeat;
            }
        }
    }
    Some(())
}

fn codes(bits: &mut Bits<'_>) -> Option<(Code, Code)> {
    let (literals, distances, own) = (bits.take(5)? + 257, bits.take(5)? + 1, bits.take(4)? + 4);
    let mut lengths = [0_u8; 19];
    for place in ORDER.iter().take(usize::try_from(own).ok()?) {
        *lengths.get_mut(*place)? = u8::try_from(bits.take(3)?).ok()?;
    }
    let code = Code::of(&lengths);
    let (literals, all) = (usize::try_from(literals).ok()?, usize::try_from(literals + distances).ok()?);
    let mut lengths: Vec<u8> = Vec::with_capacity(all);
    while lengths.len() < all {
        let (value, times) = match code.read(bits)? {
            length @ 0..=15 => (u8::try_from(length).ok()?, 1),
            16 => (*lengths.last()?, bits.take(2)? + 3),
            17 => (0, bits.take(3)? + 3),
            _ => (0, bits.take(7)? + 11),
        };
        lengths.extend((0..times).map(|_| value));
    }
    let (of_literals, of_distances) = lengths.split_at_checked(literals)?;
    Some((Code::of(of_literals), Code::of(of_distances)))
}

struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    held: u32,
    count: u32,
}

impl Bits<'_> {
    fn take(&mut self, wanted: u32) -> Option<u32> {
        while self.count < wanted {
            self.held |= u32::from(*self.data.get(self.at)?) << self.count;
            self.at += 1;
            self.count += 8;
        }
        let taken = self.held & ((1 << wanted) - 1);
        self.held >>= wanted;
        self.count -= wanted;
        Some(taken)
    }
}

/// A canonical prefix code (3.2.2): how many codes each length has, and their symbols in order.
struct Code {
    counts: [u16; 16],
    symbols: Vec<u16>,
}

impl Code {
    fn of(lengths: &[u8]) -> Self {
        let mut counts = [0; 16];
        let mut symbols = Vec::new();
        for length in 1..16_u8 {
            let of_length = lengths.iter().zip(0_u16..).filter(|(own, _)| **own == length).map(|(_, symbol)| symbol);
            let before = symbols.len();
            symbols.extend(of_length);
            if let Some(count) = counts.get_mut(usize::from(length)) {
                *count = u16::try_from(symbols.len() - before).unwrap_or(u16::MAX);
            }
        }
        Self { counts, symbols }
    }

    fn read(&self, bits: &mut Bits<'_>) -> Option<u16> {
        let (mut code, mut first, mut index) = (0_i32, 0_i32, 0_i32);
        for count in self.counts.iter().skip(1).map(|count| i32::from(*count)) {
            code |= i32::try_from(bits.take(1)?).ok()?;
            if code - count < first {
                return self.symbols.get(usize::try_from(index + code - first).ok()?).copied();
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}

#[cfg(test)]
pub(in crate::web) mod tests {
    use super::*;

    /// A block of fixed codes whose every repeat is of 258 bytes: 13 bits each.
    pub fn bomb(bytes: usize) -> Vec<u8> {
        let mut bits: Vec<u8> = vec![1, 1, 0];
        // A literal 0 (code 00110000), then the length 258 (code 11000101) at the distance 1 (code 00000), again and again.
        bits.extend([0, 0, 1, 1, 0, 0, 0, 0]);
        while bits.len() < bytes * 8 {
            bits.extend([1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]);
        }
        bits.extend([0; 7]);
        bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |all, bit| (all << 1) | bit)).collect()
    }

    #[test]
    fn lengths_are_counted_and_nonsense_is_none() {
        // "hello hello hello hello" as zlib's raw deflate writes it.
        let hello = [0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x27, 0x01];
        assert_eq!(inflated(&hello, 1_000), Some(23));
        assert_eq!(inflated(&[1, 3, 0, 0xfc, 0xff, b'a', b'b', b'c'], 1_000), Some(3));
        assert_eq!(inflated(&[1, 9, 0, 0xf6, 0xff, b'a'], 1_000), None);
        for wrong in [&[][..], &[7], &[0xff; 40], &hello[..4]] {
            assert_eq!(inflated(wrong, 1_000), None, "{wrong:?}");
        }
        let broken = [bomb(10_000), vec![0xff; 40]].concat();
        let begun = inflated_until_it_breaks(&broken[..9_000], 10_000_000);
        assert!((1_000_000..2_000_000).contains(&begun) && inflated(&broken[..9_000], 10_000_000).is_none(), "{begun}");
        assert!(inflated(&bomb(100_000), 1_000_000).is_some_and(|length| length > 1_000_000), "it stops early");
    }
}
