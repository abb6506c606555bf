//! What a lead bought: the servers' word, the pages' word, and how they go together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::record::{Record, Sale};

/// A purchase as a page told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// The shop's id of the order: the external id of a sale.
    pub order_id: String,
    /// When, ms since the epoch.
    pub at: i64,
    /// When it was received.
    pub received_at: i64,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
}

/// A sale as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleStanding {
    /// The sender's own id of it; of a page's purchase, the order's.
    pub external_id: String,
    /// When, ms since the epoch.
    pub at: i64,
    /// Minor units; negative of a refund.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
    /// The sale that it takes back, or a part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_of: Option<String>,
    /// Whether a server said so; a page alone is not believed without question.
    pub confirmed: bool,
    /// What a page said it was, where that is something else: minor units and currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<(i64, String)>,
}

/// The sales that records and purchases add up to, oldest first. Where a server and a page tell of the same order, the
/// server is believed.
#[must_use]
pub fn standing<'a>(records: impl Iterator<Item = Record<'a>>, purchases: &[Purchase]) -> Vec<SaleStanding> {
    let mut of_pages: BTreeMap<&str, &Purchase> = BTreeMap::new();
    for purchase in purchases {
        of_pages.entry(&purchase.order_id).or_insert(purchase);
    }
    let mut sales: Vec<SaleStanding> = Vec::new();
    for record in records {
        let Record::Sale(sale) = record else { continue };
        let page = of_pages.remove(sale.external_id.as_str());
        let page = page.filter(|page| (page.amount, &page.currency) != (sale.amount, &sale.currency));
        sales.push(SaleStanding {
            external_id: sale.external_id.clone(),
            at: sale.at,
            amount: sale.amount,
            currency: sale.currency.clone(),
            refund_of: sale.refund_of.clone(),
            confirmed: true,
            page: page.map(|page| (page.amount, page.currency.clone())),
        });
    }
    sales.extend(of_pages.into_values().map(|page| SaleStanding {
        external_id: page.order_id.clone(),
        at: page.at,
        amount: page.amount,
        currency: page.currency.clone(),
        refund_of: None,
        confirmed: false,
        page: None,
    }));
    sales.sort_by(|a, b| (a.at, &a.external_id).cmp(&(b.at, &b.external_id)));
    sales
}

/// What is left of each currency after refunds, in minor units.
#[must_use]
pub fn totals(sales: &[SaleStanding]) -> BTreeMap<String, i64> {
    let mut totals = BTreeMap::new();
    for sale in sales {
        let total: &mut i64 = totals.entry(sale.currency.clone()).or_default();
        *total = total.saturating_add(sale.amount);
    }
    totals
}

/// Why a sale cannot be, beside the others of its lead. `at` is a field of the sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which field.
    pub at: &'static str,
    /// What is wrong with it.
    pub detail: String,
}

/// Whether a sale can stand beside the others of its lead: a refund takes back a sale of the same lead, in its currency,
/// and never more than is left of it; a sale that is amended stays at least as large as what was given back of it.
///
/// # Errors
/// Why not.
pub fn check(sale: &Sale, others: &[SaleStanding]) -> Result<(), Refusal> {
    let refuse = |at, detail: String| Err(Refusal { at, detail });
    let others = || others.iter().filter(|other| other.external_id != sale.external_id);
    let given_back = |of: &str| -> i64 {
        let refunds = others().filter(|other| other.refund_of.as_deref() == Some(of));
        refunds.fold(0, |sum, refund| sum.saturating_sub(refund.amount))
    };
    let Some(of) = &sale.refund_of else {
        if sale.amount < 0 {
            return refuse("amount", "must not be negative without `refund_of`".to_owned());
        }
        let refunds = given_back(&sale.external_id);
        if refunds > sale.amount {
            return refuse("amount", format!("must be at least the {refunds} that were given back of it"));
        }
        let mut refunds = others().filter(|other| other.refund_of.as_deref() == Some(&sale.external_id));
        if refunds.any(|refund| refund.currency != sale.currency) {
            return refuse("currency", "must be that of what was given back of it".to_owned());
        }
        return Ok(());
    };
    if sale.amount >= 0 {
        return refuse("amount", "must be negative: it is a refund".to_owned());
    }
    let Some(original) = others().find(|other| other.external_id == *of && other.refund_of.is_none()) else {
        return refuse("refund_of", "must be the external_id of a sale of this lead".to_owned());
    };
    if original.currency != sale.currency {
        return refuse("currency", format!("must be the sale's, {}", original.currency));
    }
    let left = original.amount.saturating_sub(given_back(of));
    if sale.amount.unsigned_abs() > left.unsigned_abs() {
        return refuse("amount", format!("must be at most what is left of the sale, {left}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::LeadId;

    fn sale(id: &str, amount: i64, refund_of: Option<&str>) -> Sale {
        Sale {
            lead: LeadId::of_event("e"),
            at: 5,
            received_at: 6,
            amount,
            currency: "EUR".to_owned(),
            external_id: id.to_owned(),
            refund_of: refund_of.map(str::to_owned),
        }
    }

    fn page(id: &str, amount: i64) -> Purchase {
        Purchase { order_id: id.to_owned(), at: 4, received_at: 4, amount, currency: "EUR".to_owned() }
    }

    fn stand(sales: &[Sale], purchases: &[Purchase]) -> Vec<SaleStanding> {
        standing(sales.iter().map(Record::Sale), purchases)
    }

    #[test]
    fn a_server_confirms_a_page_and_is_believed_where_they_differ() {
        let alone = stand(&[], &[page("o1", 100), page("o1", 999)]);
        assert_eq!(alone.len(), 1, "an order is one sale however often its page is loaded");
        assert_eq!((alone[0].amount, alone[0].confirmed), (100, false));
        let same = stand(&[sale("o1", 100, None)], &[page("o1", 100)]);
        assert_eq!((same.len(), same[0].confirmed, &same[0].page), (1, true, &None));
        let other = stand(&[sale("o1", 90, None)], &[page("o1", 100), page("o2", 7)]);
        assert_eq!((other[1].amount, &other[1].page), (90, &Some((100, "EUR".to_owned()))));
        assert_eq!(totals(&other), BTreeMap::from([("EUR".to_owned(), 97)]));
    }

    #[test]
    fn no_more_is_given_back_than_is_left() {
        let sold = |more: &[Sale]| stand(&[&[sale("s", 100, None)], more].concat(), &[]);
        let refused = |sale: Sale, others: &[SaleStanding]| check(&sale, others).err().map(|why| why.at);
        assert_eq!(refused(sale("r", -100, Some("s")), &sold(&[])), None);
        assert_eq!(refused(sale("r", -101, Some("s")), &sold(&[])), Some("amount"));
        let once = sold(&[sale("r", -60, Some("s"))]);
        assert_eq!(refused(sale("q", -40, Some("s")), &once), None);
        assert_eq!(refused(sale("q", -41, Some("s")), &once), Some("amount"));
        assert_eq!(refused(sale("r", -100, Some("s")), &once), None, "amending a refund");
        assert_eq!(refused(sale("s", 59, None), &once), Some("amount"), "amending below what was given back");
        assert_eq!(refused(sale("s", 60, None), &once), None);
        assert_eq!(refused(sale("q", -1, Some("r")), &once), Some("refund_of"), "a refund of a refund");
        assert_eq!(refused(sale("q", -1, Some("x")), &once), Some("refund_of"));
        assert_eq!(refused(sale("q", -1, None), &once), Some("amount"));
        assert_eq!(refused(sale("q", 1, Some("s")), &once), Some("amount"));
        let dollars = Sale { currency: "USD".to_owned(), ..sale("q", -1, Some("s")) };
        assert_eq!(refused(dollars, &once), Some("currency"));
        let dollars = Sale { currency: "USD".to_owned(), ..sale("s", 100, None) };
        assert_eq!(refused(dollars, &once), Some("currency"));
    }
}
