"""The config of one run: a TOML file becomes frozen models, or one clear sentence.

`stand` is the microscope, `running` how a run goes, `run` all of it together, `reading` the file.
"""

from lightloop.config.reading import ConfigError, load, parse, read_text
from lightloop.config.run import PolicyConfig, RunConfig, ScopeConfig
from lightloop.config.running import (
    SAMPLE_ID,
    KindsConfig,
    LoopConfig,
    NetworkConfig,
    RecordConfig,
    SampleConfig,
    StreamConfig,
    UnattendedConfig,
)
from lightloop.config.stand import (
    CameraConfig,
    ChannelConfig,
    LightConfig,
    MicroManagerConfig,
    OtherCameraConfig,
    ReplayScopeConfig,
)

__all__ = [
    "SAMPLE_ID",
    "CameraConfig",
    "ChannelConfig",
    "ConfigError",
    "KindsConfig",
    "LightConfig",
    "LoopConfig",
    "MicroManagerConfig",
    "NetworkConfig",
    "OtherCameraConfig",
    "PolicyConfig",
    "RecordConfig",
    "ReplayScopeConfig",
    "RunConfig",
    "SampleConfig",
    "ScopeConfig",
    "StreamConfig",
    "UnattendedConfig",
    "load",
    "parse",
    "read_text",
]
