//! Shapes that say the same as a colour, for eyes that do not tell colours apart.

use maud::{Markup, html};
use vitals::Priority;

/// Triangle, diamond, circle: high, medium, low.
pub(super) fn priority(priority: Priority) -> Markup {
    html! {
        svg class="shape" viewBox="0 0 20 20" aria-hidden="true" {
            @match priority {
                Priority::High => path d="M10 1.5 19.5 18.5H.5Z" {},
                Priority::Medium => path d="M10 .5 19.5 10 10 19.5.5 10Z" {},
                Priority::Low => circle cx="10" cy="10" r="8.5" {},
            }
        }
    }
}

/// A full disc for what is connected, a ring for what is not.
pub(super) fn connection(is_up: bool) -> Markup {
    html! {
        svg class="shape dot" viewBox="0 0 20 20" aria-hidden="true" {
            @if is_up {
                circle cx="10" cy="10" r="7" {}
            } @else {
                circle class="ring" cx="10" cy="10" r="6" {}
            }
        }
    }
}
