//! The example plans, and the same plans without one of their parts.

use alerting::Plan;

/// A plan of `config/care-plans`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Preset {
    Hypertension,
    HeartFailure,
    Copd,
    PostSurgical,
    Rehabilitation,
}

/// A plan as it is, or with a part left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    AsItIs,
    WithoutConfirm,
    WithoutImplausible,
}

impl Preset {
    pub(crate) const ALL: [Self; 5] = [
        Self::Hypertension,
        Self::HeartFailure,
        Self::Copd,
        Self::PostSurgical,
        Self::Rehabilitation,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hypertension => "hypertension",
            Self::HeartFailure => "heart-failure",
            Self::Copd => "copd",
            Self::PostSurgical => "post-surgical",
            Self::Rehabilitation => "rehabilitation",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Hypertension => include_str!("../../../config/care-plans/hypertension.toml"),
            Self::HeartFailure => include_str!("../../../config/care-plans/heart-failure.toml"),
            Self::Copd => include_str!("../../../config/care-plans/copd.toml"),
            Self::PostSurgical => include_str!("../../../config/care-plans/post-surgical.toml"),
            Self::Rehabilitation => include_str!("../../../config/care-plans/rehabilitation.toml"),
        }
    }

    pub(crate) fn plan(self, variant: Variant) -> Plan {
        let text = self.text();
        let text = match variant {
            Variant::AsItIs => text.to_owned(),
            Variant::WithoutConfirm => {
                let lines = text.lines().filter(|it| !it.starts_with("confirm_within_min"));
                lines.collect::<Vec<_>>().join("\n")
            }
            Variant::WithoutImplausible => {
                let parts = text.split("\n[[").filter(|it| !it.starts_with("implausible]]"));
                parts.collect::<Vec<_>>().join("\n[[")
            }
        };
        Plan::parse(&text).expect("the plan is in order")
    }
}

impl Variant {
    pub(crate) const ALL: [Self; 3] =
        [Self::AsItIs, Self::WithoutConfirm, Self::WithoutImplausible];

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::AsItIs => "as it is",
            Self::WithoutConfirm => "without `confirm_within_min`",
            Self::WithoutImplausible => "without `[[implausible]]`",
        }
    }
}
