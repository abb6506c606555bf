//! What became of a file, row by row.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{api::records::Became, domain::record::Sale};

/// What became of a file.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Import)]
pub struct ImportView {
    /// Whether nothing was kept: the verdicts say what would become of it.
    pub(super) dry_run: bool,
    /// Rows that were read, without the header.
    pub(super) rows: u64,
    /// Rows that told of something new.
    pub(super) created: u64,
    /// Rows that say otherwise than was said before.
    pub(super) amended: u64,
    /// Rows that were known, just so.
    pub(super) duplicate: u64,
    /// Bad rows.
    pub(super) failed: u64,
    /// The line of the bad row that the import stopped at, where it was to; rows before it are in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stopped_at: Option<u64>,
    /// Columns that mean nothing here.
    pub(super) ignored_columns: Vec<String>,
    /// The verdict on each row.
    pub(super) items: Vec<RowView>,
    /// Of sales: those of the file's time that the file does not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) missing_in_file: Option<Vec<SoldView>>,
}

/// The verdict on a row.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportRow)]
pub struct RowView {
    /// Its line in the file; the header is 1.
    pub(super) row: u64,
    /// created, amended, duplicate, or error.
    pub(super) verdict: &'static str,
    /// Which lead it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lead: Option<String>,
    /// The bad column, by its header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) column: Option<String>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
    /// The leads that may be meant, where several may.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) candidates: Vec<String>,
    /// Of an amended sale: what it said before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<SoldView>,
}

/// A sale as it is known.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = KnownSale)]
pub struct SoldView {
    pub(super) lead: String,
    pub(super) external_id: String,
    pub(super) at: i64,
    pub(super) amount: i64,
    pub(super) currency: String,
}

impl From<&Sale> for SoldView {
    fn from(sale: &Sale) -> Self {
        Self {
            lead: sale.lead.to_string(),
            external_id: sale.external_id.clone(),
            at: sale.at,
            amount: sale.amount,
            currency: sale.currency.clone(),
        }
    }
}

impl RowView {
    pub(super) fn of(row: u64, became: Became, lead: Option<String>) -> Self {
        let verdict = match became {
            Became::Created => "created",
            Became::Amended => "amended",
            Became::Repeated => "duplicate",
        };
        Self { row, verdict, lead, column: None, detail: None, candidates: Vec::new(), before: None }
    }

    pub(super) fn bad(row: u64, column: Option<String>, detail: String) -> Self {
        let (lead, candidates, before) = (None, Vec::new(), None);
        Self { row, verdict: "error", lead, column, detail: Some(detail), candidates, before }
    }
}
