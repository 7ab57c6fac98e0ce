"""Parts of the platform: arguments and endpoints here, implementations per orchestrator below."""
