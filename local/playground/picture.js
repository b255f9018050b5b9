// Pictures to send where there is no camera, and no screen to share.

import { h } from "./dom.js";

/** A drawn camera: the name's first letter on a color of its own. */
export function drawnCamera(name) {
  const hue = [...name].reduce((sum, letter) => sum + letter.codePointAt(0) * 7, 0) % 360;
  return drawn((context, wave) => {
    fill(context, hue, [38, 24]);
    context.fillStyle = "rgb(255 255 255 / 15%)";
    context.beginPath();
    context.arc(320, 180, 96 + 10 * wave, 0, 2 * Math.PI);
    context.fill();
    write(context, [...name][0]?.toUpperCase() ?? "", 84, 186);
  });
}

/** A drawn screen, which says whose it is. */
export function drawnScreen(name) {
  return drawn((context, wave) => {
    fill(context, 215, [30, 16]);
    context.fillStyle = "rgb(255 255 255 / 12%)";
    context.fillRect(40, 40, 560, 280);
    context.fillRect(40, 40, 560, 28);
    write(context, `${name}’s screen`, 40, 180);
    context.fillRect(220 + 60 * wave, 250, 200, 10);
  });
}

/** A microphone that picks up nothing: this page plays no sound, and should not listen either. */
export function silentMicrophone() {
  const context = new AudioContext();
  const [track] = context.createMediaStreamDestination().stream.getAudioTracks();
  return {
    track,
    stop() {
      track.stop();
      context.close();
    },
  };
}

/** A track that `paint` draws, with a number that moves between -1 and 1 unless the user prefers less motion. */
function drawn(paint) {
  const canvas = h("canvas", { width: 640, height: 360 });
  const context = canvas.getContext("2d");
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let step = 0;
  const draw = () => {
    paint(context, isStill ? 0 : Math.sin(step / 9));
    step += 1;
  };
  draw();
  // A stream has frames only while something is drawn.
  const timer = setInterval(draw, 100);
  const [track] = canvas.captureStream(10).getVideoTracks();
  return {
    track,
    stop() {
      clearInterval(timer);
      track.stop();
    },
  };
}

function fill(context, hue, [above, below]) {
  const sky = context.createLinearGradient(0, 0, 640, 360);
  sky.addColorStop(0, `hsl(${hue} 55% ${above}%)`);
  sky.addColorStop(1, `hsl(${(hue + 50) % 360} 60% ${below}%)`);
  context.fillStyle = sky;
  context.fillRect(0, 0, 640, 360);
}

function write(context, text, size, y) {
  context.fillStyle = "#fff";
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, 320, y, 540);
}
