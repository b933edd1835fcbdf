"""What can go wrong, in one tree. A message says what was asked, what was found, what to do.

ScopeError                 base of every error that a run may end with in good order
    LightRefused           the guard refuses an exposure
        LightOverBudget    the dose budget cannot pay for it
        LightExpired       the request or the lease is past its time
    LightNotDark           a source did not obey when told to go dark
    KeeperLost             nobody would turn the light off if we died
    PlanRefused            the plan asks for what would pass the guard by, or what we cannot do
    CameraTimeout          no frame came in time
    CameraOverrun          the camera's frames were not fetched in time, and some are lost
    StageError             a stage or focus drive is not where it was sent
        StageTimeout       it did not get there in time
    FocusLost              the autofocus found nothing, or the focus lock let go
    DeviceMissing          the config names a device that the microscope has not
        LightBoxGone       the simulated light box has ended, and its light with it
    SettingRefused         a device did not take the value that it was asked to take
    StartupLit             a configuration file would leave light on when it is loaded
    SampleError            what a sample took so far is not known, or cannot be kept
    CalibrationRefused     a calibration cannot be measured, read, or used with this microscope
    StreamError            the stream of frames cannot go on
        BadMessage         bytes that are not one of our messages
        BadDetections      cells that are nowhere, or have no size
        FrameLapped        a ring slot was overwritten before it was read
    KindsError             a classifier of cells, or what it is to learn from, cannot be used
    RunFileError           a run file cannot be written or read
        UnreadableRun      the file itself is damaged, or no run file
    ModelError             a model package cannot be used
        FrameRefused       an image has another size than a network was opened for, or no numbers
        ParityError        an engine's answer is too far from the stored reference
        EngineUnavailable  an engine, or the precision asked for, cannot run on this machine
    ConfigError            a config file says something that we do not understand
    PolicyFileError        a user's policy file cannot be used
    StandFailed            the bench of faults did not get to where it breaks a run

``SampleError`` lives in `acquire.sample.record`, ``ConfigError`` in `lightloop.config`,
``PolicyFileError`` in `lightloop.build.own_policy`, ``StandFailed`` in
`lightloop.bench.faults_stand`, ``StreamError``, ``KindsError``, ``RunFileError`` in
`realtime.errors`, ``ModelError`` in `models.errors`; `models` may not import `acquire`, so its base
is `RuntimeError`.
"""

from __future__ import annotations


class ScopeError(Exception):
    """Base of every error that a run may end with in good order."""


class LightRefused(ScopeError, ValueError):
    """The guard refuses an exposure; the message says which bound forbids it."""


class LightOverBudget(LightRefused):
    """The dose budget of the field cannot pay for the exposure."""


class LightExpired(LightRefused):
    """The request, or the lease of the light, is past its deadline."""


class LightNotDark(ScopeError, RuntimeError):
    """A light source did not go dark when it was told to."""


class KeeperLost(ScopeError, RuntimeError):
    """The keeper did not answer: nobody would turn the light off if this process died."""


class PlanRefused(ScopeError, ValueError):
    """The plan asks for something that would pass the light guard by, or that we cannot do."""


class CameraTimeout(ScopeError, TimeoutError):
    """No frame came within the time that was given."""


class StageError(ScopeError, RuntimeError):
    """A stage or focus drive is not where it was sent, or refuses to go there."""


class StageTimeout(StageError, TimeoutError):
    """A stage, focus drive or filter wheel did not come to rest in time."""


class FocusLost(ScopeError, RuntimeError):
    """The autofocus found nothing, or the focus lock let go, and the run is to end for it."""


class CameraOverrun(ScopeError, BufferError):
    """The camera's buffer ran over: its frames were not fetched in time, and some are lost."""


class DeviceMissing(ScopeError, LookupError):
    """The config names a device or property that the microscope does not have."""


class SettingRefused(ScopeError, ValueError):
    """A device did not take the value that it was asked to take."""


class StartupLit(ScopeError, ValueError):
    """A Micro-Manager configuration file would leave light on when it is loaded."""


class CalibrationRefused(ScopeError, ValueError):
    """A calibration cannot be measured, cannot be read, or is not one of this microscope."""
