// Receives APNs pushes in an iOS app. Add the capability "Push Notifications" to the target; for
// silent pushes (topics without a template that shows something) also "Background Modes: Remote
// notifications".
//
//   @main struct MyApp: App {
//     @UIApplicationDelegateAdaptor(CarillonReceiver.self) var receiver
//     …
//   }

import UIKit
import UserNotifications

final class CarillonReceiver: NSObject, UIApplicationDelegate, UNUserNotificationCenterDelegate {
  /// Your own back end, which stores the token for the user who is logged in.
  private let subscriptionAddress = URL(string: "https://example.com/subscription")!
  /// The client in `pns-apns-options.yml`.
  private let client = "myiosclient"

  func application(
    _ application: UIApplication,
    didFinishLaunchingWithOptions options: [UIApplication.LaunchOptionsKey: Any]? = nil
  ) -> Bool {
    let center = UNUserNotificationCenter.current()
    center.delegate = self
    // Better asked when the user has seen what it is good for.
    center.requestAuthorization(options: [.alert, .badge, .sound]) { granted, _ in
      guard granted else { return }
      DispatchQueue.main.async { application.registerForRemoteNotifications() }
    }
    return true
  }

  /// Called at every start: the token may have changed.
  func application(
    _ application: UIApplication,
    didRegisterForRemoteNotificationsWithDeviceToken deviceToken: Data
  ) {
    let token = deviceToken.map { String(format: "%02x", $0) }.joined()
    Task { await store(token: token) }
  }

  func application(
    _ application: UIApplication,
    didFailToRegisterForRemoteNotificationsWithError error: Error
  ) {
    // In the simulator of old Xcodes, or without the capability.
    print("No token: \(error.localizedDescription)")
  }

  /// Shows a push also while the app is in front.
  func userNotificationCenter(
    _ center: UNUserNotificationCenter,
    willPresent notification: UNNotification
  ) async -> UNNotificationPresentationOptions {
    [.banner, .badge, .sound]
  }

  /// The user tapped a notification. What the service sends besides `aps` is in `userInfo`.
  func userNotificationCenter(
    _ center: UNUserNotificationCenter,
    didReceive response: UNNotificationResponse
  ) async {
    let userInfo = response.notification.request.content.userInfo
    if let folder = userInfo["folder"] as? String, let id = userInfo["id"] as? String {
      await open(folder: folder, id: id)
    }
  }

  /// A silent push (`content-available`): fetch what is new. The system gives this half a minute.
  func application(
    _ application: UIApplication,
    didReceiveRemoteNotification userInfo: [AnyHashable: Any]
  ) async -> UIBackgroundFetchResult {
    await refresh() ? .newData : .noData
  }

  /// `topics` are what the app wants; the back end adds context and user.
  private func store(token: String) async {
    var request = URLRequest(url: subscriptionAddress)
    request.httpMethod = "POST"
    request.setValue("application/json", forHTTPHeaderField: "content-type")
    request.httpBody = try? JSONSerialization.data(withJSONObject: [
      "client": client, "transport": "apn", "token": token, "topics": ["ox:mail:*"],
    ])
    // A failure is no loss: the token is sent again at the next start.
    _ = try? await URLSession.shared.data(for: request)
  }

  @MainActor private func open(folder: String, id: String) async { /* your own navigation */ }
  private func refresh() async -> Bool { true /* whether your own fetch brought something */ }
}
