//! The handles by which tests and scenarios drive and watch a running simulation.

use jiff::SignedDuration;
use tokio::sync::{mpsc, oneshot, watch};

use crate::bluez::{
    BluezCounters, BluezOrder, Command, Counters, Delivery, DeviceOrder, Failure, LinkFault, Order,
    OrderError, PairingFault, Spoiled,
};
use crate::device::Measurement;
use crate::fault::Fault;

async fn send(commands: &mpsc::Sender<Command>, order: Order) -> Result<(), OrderError> {
    let (done, is_done) = oneshot::channel();
    commands.send(Command { order, done }).await.map_err(|_closed| OrderError::Ended)?;
    is_done.await.map_err(|_closed| OrderError::Ended)?
}

async fn wait<T: Clone>(
    mut counters: watch::Receiver<T>,
    condition: impl FnMut(&T) -> bool,
) -> Result<T, OrderError> {
    let reached = counters.wait_for(condition).await.map_err(|_closed| OrderError::Ended)?;
    Ok(reached.clone())
}

/// Drives and watches one device. Each order returns when it has taken effect in the simulation.
#[derive(Clone, Debug)]
pub struct DeviceHandle {
    name: String,
    commands: mpsc::Sender<Command>,
    counters: watch::Receiver<Counters>,
    delivered: Option<watch::Receiver<Vec<Delivery>>>,
}

/// All orders answer [`OrderError::Ended`] when the simulation has ended, and
/// [`OrderError::WrongLink`] when the device's link has no such thing.
#[expect(clippy::missing_errors_doc, reason = "the errors of all orders are given once above")]
impl DeviceHandle {
    pub(super) fn new(
        name: String,
        commands: mpsc::Sender<Command>,
        counters: watch::Receiver<Counters>,
        delivered: Option<watch::Receiver<Vec<Delivery>>>,
    ) -> Self {
        Self { name, commands, counters, delivered }
    }

    /// Returns the device's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes a measurement now; a device that wakes for it begins to advertise.
    pub async fn measure(&self, measurement: Measurement) -> Result<(), OrderError> {
        self.order(DeviceOrder::Measure(measurement)).await
    }

    /// Sends captured bytes as they are, one value or frame each.
    pub async fn replay(&self, frames: Vec<Vec<u8>>) -> Result<(), OrderError> {
        self.order(DeviceOrder::Replay(frames)).await
    }

    /// Lets the device be found for one wake window.
    pub async fn wake(&self) -> Result<(), OrderError> {
        self.order(DeviceOrder::Wake).await
    }

    /// Ends the wake window: the hub missed it. Records stay in the device.
    pub async fn sleep(&self) -> Result<(), OrderError> {
        self.order(DeviceOrder::Sleep).await
    }

    /// The device ends the session now.
    pub async fn hang_up(&self) -> Result<(), OrderError> {
        self.order(DeviceOrder::HangUp).await
    }

    /// The radio loses the link now.
    pub async fn drop_link(&self) -> Result<(), OrderError> {
        self.order(DeviceOrder::DropLink).await
    }

    /// Spoils the next link that comes up; faults queue.
    pub async fn fail_next_link(&self, fault: LinkFault) -> Result<(), OrderError> {
        self.order(DeviceOrder::NextLink(fault)).await
    }

    /// Spoils the next pairing; faults queue.
    pub async fn fail_next_pairing(&self, fault: PairingFault) -> Result<(), OrderError> {
        self.order(DeviceOrder::NextPairing(fault)).await
    }

    /// The device loses its key for the hub, as after a change of batteries.
    pub async fn forget_bond(&self) -> Result<(), OrderError> {
        self.order(DeviceOrder::ForgetBond).await
    }

    /// Sets whether the device accepts new bonds (it does at the start).
    pub async fn set_pairing_mode(&self, accepts: bool) -> Result<(), OrderError> {
        self.order(DeviceOrder::PairingMode(accepts)).await
    }

    /// A person types the digits that the central shows at the device.
    pub async fn type_passkey(&self, digits: u32) -> Result<(), OrderError> {
        self.order(DeviceOrder::TypePasskey(digits)).await
    }

    /// Sets the charge of the battery, in percent.
    pub async fn set_battery(&self, percent: u8) -> Result<(), OrderError> {
        self.order(DeviceOrder::Battery(percent)).await
    }

    /// Sets how far the device's clock is ahead of local time.
    pub async fn set_clock_error(&self, ahead: SignedDuration) -> Result<(), OrderError> {
        self.order(DeviceOrder::ClockError(ahead)).await
    }

    /// Lets something go wrong with the device, now or from now on.
    pub async fn fault(&self, fault: Fault) -> Result<(), OrderError> {
        self.order(match fault {
            Fault::Bytes { fault, extent } => DeviceOrder::Spoil(fault, extent),
            Fault::BytesHeal => DeviceOrder::Heal,
            Fault::ClockReset(clock) => DeviceOrder::ClockSet(clock),
            Fault::ClockSkew(ahead) => DeviceOrder::ClockError(ahead),
            Fault::BondLoss => DeviceOrder::ForgetBond,
            Fault::Battery(percent) => DeviceOrder::Battery(percent),
            Fault::MissedWake => DeviceOrder::MissWake,
            Fault::Flood { frame, per_second, lasting } => {
                DeviceOrder::Flood { frame, per_second, lasting }
            }
            Fault::LinkLoss => DeviceOrder::DropLink,
            Fault::UnplugInFrame => DeviceOrder::UnplugInFrame,
        })
        .await
    }

    /// Plugs a serial device in, on a new pseudo-terminal under the same name.
    pub async fn plug(&self) -> Result<(), OrderError> {
        self.order(DeviceOrder::Plug).await
    }

    /// Pulls a serial device out; what it had not sent is lost.
    pub async fn unplug(&self) -> Result<(), OrderError> {
        self.order(DeviceOrder::Unplug).await
    }

    /// Pulls a serial device out in the middle of the next frame that it writes.
    pub async fn unplug_in_next_frame(&self) -> Result<(), OrderError> {
        self.order(DeviceOrder::UnplugInFrame).await
    }

    /// Watches the counters.
    pub(crate) fn watch(&self) -> watch::Receiver<Counters> {
        self.counters.clone()
    }

    /// Returns the counters as they are now.
    #[must_use]
    pub fn counters(&self) -> Counters {
        *self.counters.borrow()
    }

    /// Returns the stored values that left a Bluetooth device, in that order; none of a serial one.
    #[must_use]
    pub fn delivered(&self) -> Vec<Delivery> {
        self.delivered.as_ref().map(|it| it.borrow().clone()).unwrap_or_default()
    }

    /// Waits until the counters fulfil a condition, without a time limit, and returns them.
    pub async fn wait_until(
        &self,
        condition: impl FnMut(&Counters) -> bool,
    ) -> Result<Counters, OrderError> {
        wait(self.counters.clone(), condition).await
    }

    async fn order(&self, order: DeviceOrder) -> Result<(), OrderError> {
        send(&self.commands, Order::Device(self.name.clone(), order)).await
    }
}

/// Drives and watches the Bluetooth daemon and its adapter.
#[derive(Clone, Debug)]
pub struct BluezHandle {
    commands: mpsc::Sender<Command>,
    counters: watch::Receiver<BluezCounters>,
}

/// All orders answer [`OrderError::Ended`] when the simulation has ended.
#[expect(clippy::missing_errors_doc, reason = "the errors of all orders are given once above")]
impl BluezHandle {
    pub(super) fn new(
        commands: mpsc::Sender<Command>,
        counters: watch::Receiver<BluezCounters>,
    ) -> Self {
        Self { commands, counters }
    }

    /// Gives the adapter power or takes it away.
    pub async fn set_powered(&self, powered: bool) -> Result<(), OrderError> {
        self.order(BluezOrder::Powered(powered)).await
    }

    /// Pulls the adapter out: its object and those of its devices are removed.
    pub async fn unplug_adapter(&self) -> Result<(), OrderError> {
        self.order(BluezOrder::UnplugAdapter).await
    }

    /// Plugs the adapter back in, powered; devices with a bond are known again.
    pub async fn plug_adapter(&self) -> Result<(), OrderError> {
        self.order(BluezOrder::PlugAdapter).await
    }

    /// Ends the daemon: its name, objects and links go. Bonds stay.
    pub async fn exit(&self) -> Result<(), OrderError> {
        self.order(BluezOrder::Exit).await
    }

    /// Starts the daemon again on the same bus address, also after the bus itself came back.
    ///
    /// Answers [`OrderError::Bus`] if the bus is not there; nothing if the daemon runs already.
    pub async fn start(&self) -> Result<(), OrderError> {
        self.order(BluezOrder::Start).await
    }

    /// Answers the next call of a method, for example `Connect`, with an error; failures queue.
    pub async fn fail_next(&self, member: &str, failure: Failure) -> Result<(), OrderError> {
        let spoiled = Spoiled::Fails(failure);
        self.order(BluezOrder::SpoilNext { member: member.to_owned(), spoiled }).await
    }

    /// Never answers the next call of a method.
    pub async fn hang_next(&self, member: &str) -> Result<(), OrderError> {
        let spoiled = Spoiled::Hangs;
        self.order(BluezOrder::SpoilNext { member: member.to_owned(), spoiled }).await
    }

    /// Sets whether a subscription that needs a bond hangs when there is no agent, as it does on
    /// real BlueZ; otherwise it is refused at once (the start value).
    pub async fn set_hang_without_agent(&self, hangs: bool) -> Result<(), OrderError> {
        self.order(BluezOrder::HangWithoutAgent(hangs)).await
    }

    /// Sets whether values that leave a device before some client has a notify session and the
    /// services are resolved are confirmed and lost, instead of signalled (the start value).
    pub async fn set_lose_early_values(&self, loses: bool) -> Result<(), OrderError> {
        self.order(BluezOrder::LoseEarlyValues(loses)).await
    }

    /// Returns the counters as they are now.
    #[must_use]
    pub fn counters(&self) -> BluezCounters {
        *self.counters.borrow()
    }

    /// Waits until the counters fulfil a condition, without a time limit, and returns them.
    pub async fn wait_until(
        &self,
        condition: impl FnMut(&BluezCounters) -> bool,
    ) -> Result<BluezCounters, OrderError> {
        wait(self.counters.clone(), condition).await
    }

    async fn order(&self, order: BluezOrder) -> Result<(), OrderError> {
        send(&self.commands, Order::Bluez(order)).await
    }
}
