//! The serial link reads on after an unplug, and no port waits for another.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]
#![expect(clippy::panic, reason = "helpers of tests")]

#[path = "link/child.rs"]
mod child;

use firmware_sim::bluez::Counters;
use firmware_sim::device::Device;
use firmware_sim::simulator::{DeviceHandle, Options, Simulator};

use self::child::{Link, PATIENCE, PortSettings, Settings, Told};

/// Runs the link when a story started this program again; else it has nothing to do.
#[tokio::test]
async fn the_link_of_a_story() {
    child::serve().await;
}

/// A home with serial devices and the link in a child process.
struct Home {
    sim: Simulator,
    link: Link,
    _ports: tempfile::TempDir,
}

impl Home {
    async fn start(names: &[&str]) -> Self {
        let ports = tempfile::tempdir().unwrap();
        let port = |name: &&str| Device::serial_replay(name, &format!("usb-{name}-port0"));
        let devices = names.iter().map(port).collect();
        let sim = Simulator::start(Options::new(ports.path()), devices).await.unwrap();
        let link = start_hub(&sim);
        Self { sim, link, _ports: ports }
    }

    fn hub(&self) -> Link {
        start_hub(&self.sim)
    }

    fn device(&self, name: &str) -> DeviceHandle {
        self.sim.device(name).unwrap()
    }

    /// Waits until the hub has the port open.
    async fn begun(&mut self, name: &str) {
        self.link.until(|told| matches!(told, Told::Begun { device } if device == name)).await;
        until(&self.device(name), |seen| seen.connected).await;
    }

    /// The next bytes of a device.
    async fn bytes(&mut self, name: &str, len_bytes: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < len_bytes {
            let is_it = |told: &Told| matches!(told, Told::Frame { device, .. } if device == name);
            if let Told::Frame { bytes, .. } = self.link.until(is_it).await {
                all.extend(bytes);
            }
        }
        all
    }
}

fn start_hub(sim: &Simulator) -> Link {
    let settings = |(id, path): (&String, &std::path::PathBuf)| PortSettings {
        id: id.clone(),
        path: path.clone(),
    };
    let ports = sim.ports().iter().map(settings).collect();
    let settings = Settings { ports, ..Settings::default() };
    Link::start("the_link_of_a_story", &settings, None)
}

async fn until(device: &DeviceHandle, is_it: impl FnMut(&Counters) -> bool) -> Counters {
    let waited = tokio::time::timeout(PATIENCE, device.wait_until(is_it)).await;
    waited.unwrap_or_else(|_| panic!("{:#?}", device.counters())).unwrap()
}

#[tokio::test]
async fn a_device_that_is_unplugged_in_mid_frame_is_read_again() {
    let mut home = Home::start(&["oximeter"]).await;
    let oximeter = home.device("oximeter");
    let mut n_fds = None;
    for cycle in 0..5 {
        home.begun("oximeter").await;
        assert_eq!(home.link.n_fds(), *n_fds.get_or_insert(home.link.n_fds()));
        let whole = [cycle; 8].to_vec();
        oximeter.replay(vec![whole.clone()]).await.unwrap();
        assert_eq!(home.bytes("oximeter", 8).await, whole);

        oximeter.unplug_in_next_frame().await.unwrap();
        oximeter.replay(vec![b"cut in half".to_vec()]).await.unwrap();
        let why = home.link.ended("oximeter").await;
        assert!(why.starts_with("the serial port of oximeter is gone"), "{why}");
        home.link.lost().await;
        oximeter.plug().await.unwrap();
        home.link.up().await;
    }
}

#[tokio::test]
async fn a_restarted_hub_reads_the_port_again() {
    let mut home = Home::start(&["scale"]).await;
    home.begun("scale").await;
    home.link.kill().await;
    let scale = home.device("scale");
    until(&scale, |seen| !seen.connected).await;
    home.link = home.hub();
    home.begun("scale").await;
    scale.replay(vec![b"72.4".to_vec()]).await.unwrap();
    assert_eq!(home.bytes("scale", 4).await, b"72.4");
}

#[tokio::test]
async fn a_stuck_port_does_not_block_another() {
    let mut home = Home::start(&["stuck", "scale"]).await;
    home.link.up().await;
    let scale = home.device("scale");
    until(&scale, |seen| seen.connected).await;
    until(&home.device("stuck"), |seen| seen.connected).await;
    for weight in 0..50_u8 {
        scale.replay(vec![vec![weight; 4]]).await.unwrap();
        assert_eq!(home.bytes("scale", 4).await, [weight; 4]);
    }
    home.device("stuck").unplug().await.unwrap();
    home.link.lost().await;
    scale.replay(vec![b"72.4".to_vec()]).await.unwrap();
    assert_eq!(home.bytes("scale", 4).await, b"72.4");
}

#[tokio::test]
async fn a_flood_arrives_whole() {
    let mut home = Home::start(&["oximeter"]).await;
    home.begun("oximeter").await;
    let frames: Vec<Vec<u8>> = (0..500_u32).map(|n| n.to_be_bytes().repeat(8)).collect();
    home.device("oximeter").replay(frames.clone()).await.unwrap();
    assert_eq!(home.bytes("oximeter", 16_000).await, frames.concat());
}
