//! The currencies that there are.

/// The alphabetic codes of ISO 4217 that money is in, in order; funds and metals are left out.
const CODES: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN", "BHD", "BIF",
    "BMD", "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CLP", "CNY", "COP",
    "CRC", "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP",
    "GEL", "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IQD",
    "IRR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW", "KWD", "KYD", "KZT", "LAK",
    "LBP", "LKR", "LRD", "LSL", "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR",
    "MWK", "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP",
    "PKR", "PLN", "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP",
    "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TND", "TOP", "TRY", "TTD",
    "TWD", "TZS", "UAH", "UGX", "USD", "UYU", "UZS", "VED", "VES", "VND", "VUV", "WST", "XAF", "XCD", "XCG",
    "XOF", "XPF", "YER", "ZAR", "ZMW", "ZWG",
];

/// How many decimals a currency is written with, where that is not two.
const DECIMALS: &[(&str, u32)] = &[
    ("BHD", 3),
    ("BIF", 0),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("IQD", 3),
    ("ISK", 0),
    ("JOD", 3),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("PYG", 0),
    ("RWF", 0),
    ("TND", 3),
    ("UGX", 0),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
];

/// Whether a code is a currency's.
#[must_use]
pub fn is_known(code: &str) -> bool {
    CODES.binary_search(&code).is_ok()
}

/// How many decimals an amount has: minor units are that many digits smaller.
#[must_use]
pub fn decimals(code: &str) -> u32 {
    DECIMALS.iter().find(|(known, _)| *known == code).map_or(2, |(_, decimals)| *decimals)
}

/// An amount as people write it in files: minor units with a decimal point.
#[must_use]
pub fn written(minor: i64, code: &str) -> String {
    let decimals = decimals(code);
    if decimals == 0 {
        return minor.to_string();
    }
    let unit = 10_u64.pow(decimals);
    let (sign, whole) = (if minor < 0 { "-" } else { "" }, minor.unsigned_abs());
    format!("{sign}{}.{:0width$}", whole / unit, whole % unit, width = decimals as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_found() {
        assert!(CODES.is_sorted() && CODES.len() > 150);
        assert!(
            CODES.iter().all(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()))
        );
        for known in ["EUR", "USD", "MXN", "AED", "ZWG"] {
            assert!(is_known(known), "{known}");
        }
        for unknown in ["", "eur", "EURO", "XXX", "ABC", "€"] {
            assert!(!is_known(unknown), "{unknown}");
        }
        assert!(DECIMALS.iter().all(|(code, _)| is_known(code)));
    }

    #[test]
    fn amounts_are_written_with_the_decimals_of_their_currency() {
        let cases = [
            (12_345, "EUR", "123.45"),
            (5, "EUR", "0.05"),
            (-5, "EUR", "-0.05"),
            (500, "JPY", "500"),
            (1_234, "KWD", "1.234"),
            (-1_234_567, "USD", "-12345.67"),
            (0, "EUR", "0.00"),
        ];
        for (minor, code, expected) in cases {
            assert_eq!(written(minor, code), expected);
        }
    }
}
