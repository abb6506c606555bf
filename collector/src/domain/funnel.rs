//! The funnel: the stages that leads go through, in order, and whose business each of them is.

use serde::{Deserialize, Serialize};

/// Who answers for the leads of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// Those who bring leads.
    Marketing,
    /// Both: where leads are handed over.
    Both,
    /// Those who sell.
    Sales,
}

impl Owner {
    /// Who usually answers for a stage. A stage of the site's own making is both's until somebody says otherwise.
    #[must_use]
    pub fn usual(stage: &str) -> Self {
        match stage {
            "visitor" | "lead" | "mql" => Self::Marketing,
            "opportunity" | "customer" => Self::Sales,
            _ => Self::Both,
        }
    }
}

/// A stage of the funnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Told", into = "Told")]
pub struct Stage {
    /// What it is called.
    pub name: String,
    /// Who answers for it.
    pub owner: Owner,
}

impl Stage {
    /// A stage with its usual owner.
    #[must_use]
    pub fn usual(name: &str) -> Self {
        Self { name: name.to_owned(), owner: Owner::usual(name) }
    }
}

/// The stages of a site that has configured none of its own.
#[must_use]
pub fn usual() -> Vec<Stage> {
    ["visitor", "lead", "mql", "sql", "opportunity", "customer", "lost"].map(Stage::usual).to_vec()
}

/// A stage as it is told and stored: by its name alone where its owner is the usual one, as all were before they had any.
#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a stage must be a name, or {\"name\", \"owner\"} with the owner marketing, both or sales"
)]
enum Told {
    Name(String),
    Stage {
        name: String,
        #[serde(default)]
        owner: Option<Owner>,
    },
}

impl From<Stage> for Told {
    fn from(Stage { name, owner }: Stage) -> Self {
        if owner == Owner::usual(&name) { Self::Name(name) } else { Self::Stage { name, owner: Some(owner) } }
    }
}

impl From<Told> for Stage {
    fn from(told: Told) -> Self {
        let (name, owner) = match told {
            Told::Name(name) => (name, None),
            Told::Stage { name, owner } => (name, owner),
        };
        let owner = owner.unwrap_or_else(|| Owner::usual(&name));
        Self { name, owner }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_told_by_its_name_or_with_its_owner() {
        let told = r#"["mql", {"name": "visita"}, {"name": "sql", "owner": "sales"}]"#;
        let stages: Vec<Stage> = serde_json::from_str(told).unwrap();
        let owners: Vec<_> = stages.iter().map(|stage| (stage.name.as_str(), stage.owner)).collect();
        assert_eq!(owners, [("mql", Owner::Marketing), ("visita", Owner::Both), ("sql", Owner::Sales)]);
        let refused = serde_json::from_str::<Vec<Stage>>(r#"[{"name": "sql", "owner": "boss"}]"#);
        assert!(refused.unwrap_err().to_string().contains("marketing, both or sales"));
    }

    #[test]
    fn what_is_stored_is_read_again_and_so_is_what_was_stored_before_stages_had_owners() {
        let mut own = usual();
        own.push(Stage { name: "visita".to_owned(), owner: Owner::Sales });
        let packed = rmp_serde::to_vec_named(&own).unwrap();
        assert_eq!(rmp_serde::from_slice::<Vec<Stage>>(&packed).unwrap(), own);
        let names: Vec<String> = usual().into_iter().map(|stage| stage.name).collect();
        let packed = rmp_serde::to_vec_named(&names).unwrap();
        assert_eq!(rmp_serde::from_slice::<Vec<Stage>>(&packed).unwrap(), usual());
    }
}
