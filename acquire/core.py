"""The few calls of a Micro-Manager core that we use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Core(Protocol):
    """What `CMMCorePlus` and `UniMMCore` have in common, as far as we need it.

    Names and units are Micro-Manager's own: labels of devices, um, ms.
    """

    def unloadAllDevices(self) -> None:
        """Let go of every device."""
        ...

    def getLoadedDevices(self) -> Sequence[str]:
        """Return the labels of all devices."""
        ...

    def getLoadedDevicesOfType(self, kind: int) -> Sequence[str]:
        """Return the labels of all devices of one kind (3: shutters)."""
        ...

    def getDevicePropertyNames(self, label: str) -> Sequence[str]:
        """Return the properties of a device."""
        ...

    def getProperty(self, label: str, name: str) -> Any:
        """Ask a device for a property; C++ devices answer with text, Python ones with values."""
        ...

    def setProperty(self, label: str, name: str, value: str) -> None:
        """Set a property; always by text, as C++ devices know nothing else."""
        ...

    def setAutoShutter(self, state: bool) -> None:
        """Let the core open shutters by itself, or not."""
        ...

    def setShutterOpen(self, label: str, state: bool) -> None:
        """Open or close a shutter."""
        ...

    def getShutterOpen(self, label: str) -> bool:
        """Ask a shutter whether it is open."""
        ...

    def getCameraDevice(self) -> str:
        """Return the label of the camera in use."""
        ...

    def setExposure(self, exposure_ms: float) -> None:
        """Set the exposure of the camera in use, ms."""
        ...

    def getExposure(self) -> float:
        """Ask the camera in use for its exposure, ms."""
        ...

    def startSequenceAcquisition(self, n: int, interval_ms: float, stop_on_overflow: bool) -> None:
        """Let the camera take n frames into the core's buffer."""
        ...

    def stopSequenceAcquisition(self) -> None:
        """End the camera's sequence."""
        ...

    def isBufferOverflowed(self) -> bool:
        """Whether the buffer was full when a frame came."""
        ...

    def isExposureSequenceable(self, label: str) -> bool:
        """Whether a camera can step through exposures by itself."""
        ...

    def getExposureSequenceMaxLength(self, label: str) -> int:
        """Return how many exposures it can step through."""
        ...

    def loadExposureSequence(self, label: str, exposures_ms: Sequence[float]) -> None:
        """Give a camera the exposures to step through, ms."""
        ...

    def startExposureSequence(self, label: str) -> None:
        """Let the next sequence of a camera step through its exposures."""
        ...

    def stopExposureSequence(self, label: str) -> None:
        """Let a camera take the one exposure again."""
        ...

    def isPropertySequenceable(self, label: str, name: str) -> bool:
        """Whether a property can step through values by itself."""
        ...

    def getPropertySequenceMaxLength(self, label: str, name: str) -> int:
        """Return how many values it can step through."""
        ...

    def loadPropertySequence(self, label: str, name: str, values: Sequence[str]) -> None:
        """Give a property the values to step through."""
        ...

    def startPropertySequence(self, label: str, name: str) -> None:
        """Let a property step on at each exposure."""
        ...

    def stopPropertySequence(self, label: str, name: str) -> None:
        """Let a property be set by command again."""
        ...

    def isSequenceRunning(self) -> bool:
        """Whether the camera still takes frames."""
        ...

    def getRemainingImageCount(self) -> int:
        """Return the number of frames in the buffer."""
        ...

    def popNextImageAndMD(self) -> tuple[Any, Any]:
        """Take the oldest frame and its tags out of the buffer."""
        ...

    def initializeCircularBuffer(self) -> None:
        """Make room for frames of the present size."""
        ...

    def getBytesPerPixel(self) -> int:
        """Return the size of a pixel of the next frames, bytes."""
        ...

    def getImageHeight(self) -> int:
        """Return the height of the next frames, pixels."""
        ...

    def getImageWidth(self) -> int:
        """Return the width of the next frames, pixels."""
        ...

    def getROI(self) -> list[int]:
        """Return x, y, width, height of what is read out, pixels of the chip."""
        ...

    def setROI(self, x: int, y: int, width: int, height: int) -> None:
        """Read out a part of the chip, pixels."""
        ...

    def clearROI(self) -> None:
        """Read out the whole chip."""
        ...

    def getPixelSizeUm(self) -> float:
        """Return the size of a pixel at the sample, um; 0 if nobody said it."""
        ...

    def getXYStageDevice(self) -> str:
        """Return the label of the stage in use."""
        ...

    def setXYPosition(self, x: float, y: float) -> None:
        """Move the stage, um."""
        ...

    def getXYPosition(self) -> Sequence[float]:
        """Ask the stage where it is, um."""
        ...

    def getFocusDevice(self) -> str:
        """Return the label of the focus drive in use."""
        ...

    def setPosition(self, z: float) -> None:
        """Move the focus, um."""
        ...

    def getPosition(self) -> float:
        """Ask the focus where it is, um."""
        ...

    def waitForDevice(self, label: str) -> None:
        """Wait until a device is no longer busy."""
        ...

    def deviceBusy(self, label: str) -> bool:
        """Ask a device whether it still moves."""
        ...

    def setCameraDevice(self, label: str) -> None:
        """Make a camera the one in use."""
        ...

    def getAutoFocusDevice(self) -> str:
        """Return the label of the autofocus device in use."""
        ...

    def setAutoFocusDevice(self, label: str) -> None:
        """Make an autofocus device the one in use."""
        ...

    def setAutoFocusOffset(self, offset: float) -> None:
        """Set the offset of the autofocus device, in its own units."""
        ...

    def fullFocus(self) -> None:
        """Let the autofocus device find the focus, once."""
        ...

    def enableContinuousFocus(self, enable: bool) -> None:
        """Let the autofocus device hold the focus, or not."""
        ...

    def isContinuousFocusLocked(self) -> bool:
        """Ask the autofocus device whether it holds the focus."""
        ...

    def getAvailableConfigGroups(self) -> Sequence[str]:
        """Return the names of the configuration groups."""
        ...

    def getAvailableConfigs(self, group: str) -> Sequence[str]:
        """Return the names of a group's presets."""
        ...

    def getConfigData(self, group: str, preset: str) -> Iterable[tuple[str, str, str]]:
        """Return the device, property and value of each setting of a preset."""
        ...
