import { mount } from 'svelte';
import './app.css';
import App from './App.svelte';
import { keepInvitation } from './lib/invitation';

keepInvitation();

const target = document.getElementById('app');
if (target) mount(App, { target });
